-- name: insert
-- Appends an event to the log; in the transaction of the row that it tells.
INSERT INTO events (run_id, name, data, told_at)
VALUES (:run_id, :name, :data, :told_at)
RETURNING seq

-- name: after
-- What was told of a run after a place in the log, in order.
SELECT seq, name, data FROM events WHERE run_id = :run_id AND seq > :after ORDER BY seq

-- name: forget!
-- Forgets the oldest events that were told before a time, so many at once; of one run always
-- those that were told first.
DELETE FROM events WHERE seq IN (
    SELECT seq FROM events WHERE told_at < :before ORDER BY told_at, seq LIMIT :limit
)
