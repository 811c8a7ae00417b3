-- name: insert!
-- Stores the place in its list that a deleted object had; the last one, for a file that left a
-- vector store twice.
INSERT INTO tombstones (id, project, seq, deleted_at) VALUES (:id, :project, :seq, :deleted_at)
ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, deleted_at = excluded.deleted_at

-- name: get^
-- The place in its list that a deleted object of this project had.
SELECT seq FROM tombstones WHERE id = :id AND project = :project

-- name: forget!
-- Deletes the oldest that were deleted before a time, so many at once.
DELETE FROM tombstones WHERE id IN (
    SELECT id FROM tombstones WHERE deleted_at < :before ORDER BY deleted_at LIMIT :limit
)
