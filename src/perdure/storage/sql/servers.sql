-- name: beat!
-- Notes a sign of life of a server.
INSERT INTO servers (id, address, version, role, started_at, seen_at, runs)
VALUES (:id, :address, :version, :role, :started_at, :now, :runs)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, runs = excluded.runs

-- name: leave!
-- A server has ended in good order.
DELETE FROM servers WHERE id = :id

-- name: known
-- All servers that are remembered, in the order in which they started.
SELECT id, address, version, role, started_at, seen_at, runs FROM servers
ORDER BY started_at, id LIMIT :limit

-- name: address^
-- Where a server listens, or did.
SELECT address FROM servers WHERE id = :id

-- name: living_worker^
-- A row if a server that works on runs was seen since a time.
SELECT 1 AS living FROM servers WHERE role IN ('all', 'worker') AND seen_at > :since LIMIT 1

-- name: others
-- The other servers that were seen since a time.
SELECT id, address, seen_at FROM servers WHERE id <> :id AND seen_at > :since

-- name: oldest_living^
-- When the oldest of the servers that were seen since a time began.
SELECT MIN(started_at) AS started_at FROM servers WHERE seen_at > :since

-- name: forget!
-- Forgets the servers that were not seen since a time.
DELETE FROM servers WHERE seen_at < :before

-- name: end_hung
-- Ends the sessions of servers that have hung for so many seconds in the middle of sending or taking
-- something, and keep rows from all others meanwhile: PostgreSQL's own limits of time hold between
-- statements and while one runs, not there. Which sessions: those of the same program and user that
-- have written or locked something. They are found first: a condition beside the others might be
-- tried before them. Nothing is hung on SQLite, where a server is alone.
SELECT 0 AS pid WHERE :seconds < 0 -- sqlite
WITH hung AS MATERIALIZED ( -- postgres
SELECT pid FROM pg_stat_activity -- postgres
WHERE datname = current_database() AND usename = current_user -- postgres
  AND application_name = current_setting('application_name') AND pid <> pg_backend_pid() -- postgres
  AND state = 'active' AND wait_event IN ('ClientRead', 'ClientWrite') -- postgres
  AND backend_xid IS NOT NULL -- postgres
  AND state_change <= clock_timestamp() - make_interval(secs => :seconds) -- postgres
) -- postgres
SELECT pid FROM hung WHERE pg_terminate_backend(pid, 1000) -- postgres
