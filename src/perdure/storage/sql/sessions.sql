-- name: keep!
-- A server has the code session of a thread, until a time. It has a newer one than any other server.
INSERT INTO sessions (thread_id, server, until) VALUES (:thread_id, :server, :until)
ON CONFLICT (thread_id) DO UPDATE SET server = excluded.server, until = excluded.until

-- name: renew!
-- A server still has the code session of a thread, if no other server has a newer one.
UPDATE sessions SET until = :until WHERE thread_id = :thread_id AND server = :server

-- name: of_server
-- The threads whose code sessions a server has.
SELECT thread_id FROM sessions WHERE server = :server

-- name: drop!
-- A server has the code session of a thread no more.
DELETE FROM sessions WHERE thread_id = :thread_id AND server = :server

-- name: drop_of_server!
-- A server has no session any more.
DELETE FROM sessions WHERE server = :server

-- name: forget!
-- Forgets sessions that ended before a time without a word of it.
DELETE FROM sessions WHERE until < :before
