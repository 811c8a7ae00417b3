-- name: names
-- The migrations that the database has had.
SELECT name FROM schema_migrations
