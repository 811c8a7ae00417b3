-- name: insert
-- Appends an event to the log; in the transaction of the row that it shows.
INSERT INTO events (run_id, name, data, told_at)
VALUES (:run_id, :name, :data, :told_at)
RETURNING seq

-- name: after
-- The events of a run after a cursor in the log, in order.
SELECT seq, name, data FROM events WHERE run_id = :run_id AND seq > :after ORDER BY seq

-- name: latest
-- The last event of each of these runs.
SELECT run_id, MAX(seq) AS seq FROM events
WHERE run_id IN (SELECT value FROM json_each(:run_ids)) -- sqlite
WHERE run_id IN (SELECT json_array_elements_text(CAST(:run_ids AS json))) -- postgres
GROUP BY run_id

-- name: newest^
-- The last event of all.
SELECT MAX(seq) AS seq FROM events

-- name: of_runs
-- The events that changed the runs of a project, after a place in the log and up to another one.
SELECT events.seq, events.name, events.data FROM events
JOIN runs ON runs.id = events.run_id
WHERE events.seq > :after AND events.seq <= :upto AND runs.project = :project
  AND events.name LIKE 'thread.run.%' AND events.name NOT LIKE 'thread.run.step.%'
ORDER BY events.seq LIMIT :limit

-- name: forget!
-- Deletes the oldest events that were published before a time, so many at once; of one run always
-- the first ones.
DELETE FROM events WHERE seq IN (
    SELECT seq FROM events WHERE told_at < :before ORDER BY told_at, seq LIMIT :limit
)
