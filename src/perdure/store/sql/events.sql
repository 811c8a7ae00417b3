-- name: insert
-- Appends an event to the log; in the transaction of the row that it tells.
INSERT INTO events (run_id, name, data) VALUES (:run_id, :name, :data) RETURNING seq

-- name: after
-- What was told of a run after a place in the log, in order.
SELECT seq, name, data FROM events WHERE run_id = :run_id AND seq > :after ORDER BY seq

-- name: forget!
-- Forgets the events of runs that ended before a time.
DELETE FROM events WHERE run_id IN (SELECT id FROM runs WHERE ended_at < :before)
