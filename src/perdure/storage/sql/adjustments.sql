-- name: known
-- The adjustments of all model servers that were learnt since a time, the newest first.
SELECT server, model, name, learnt_at FROM adjustments
WHERE learnt_at > :since ORDER BY learnt_at DESC LIMIT :limit

-- name: learn!
-- Stores an adjustment that a model of a server needs, or renews it.
INSERT INTO adjustments (server, model, name, learnt_at)
VALUES (:server, :model, :name, :learnt_at)
ON CONFLICT (server, model, name) DO UPDATE SET learnt_at = excluded.learnt_at

-- name: delete!
-- Deletes what was learnt of a model of a server.
DELETE FROM adjustments WHERE server = :server AND model = :model AND name = :name

-- name: forget!
-- Deletes the oldest that were learnt before a time, so many at once.
DELETE FROM adjustments WHERE (server, model, name) IN (
    SELECT server, model, name FROM adjustments
    WHERE learnt_at < :before ORDER BY learnt_at LIMIT :limit
)
