-- name: insert!
-- Adds a session, by the hash of its secret.
INSERT INTO dashboard_sessions (hash, key_id, settings_key, created_at, expires_at)
VALUES (:hash, :key_id, :settings_key, :now, :expires_at)

-- name: find^
-- The session with this hash, unless it has ended.
SELECT key_id, settings_key FROM dashboard_sessions WHERE hash = :hash AND expires_at > :now

-- name: delete!
-- Removes a session.
DELETE FROM dashboard_sessions WHERE hash = :hash

-- name: forget!
-- Removes the sessions that have ended.
DELETE FROM dashboard_sessions WHERE expires_at <= :now
