-- name: keep!
-- A server has the code session of a thread, until a time.
INSERT INTO sessions (thread_id, server, until) VALUES (:thread_id, :server, :until)
ON CONFLICT (thread_id) DO UPDATE SET server = excluded.server, until = excluded.until

-- name: drop!
-- A server has the code session of a thread no more.
DELETE FROM sessions WHERE thread_id = :thread_id AND server = :server

-- name: drop_of_server!
-- A server has no session any more.
DELETE FROM sessions WHERE server = :server

-- name: forget!
-- Forgets sessions that ended before a time without a word of it.
DELETE FROM sessions WHERE until < :before
