-- name: insert!
-- Remembers where a deleted object stood; the last time, for a file that left a store twice.
INSERT INTO tombstones (id, seq, deleted_at) VALUES (:id, :seq, :deleted_at)
ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, deleted_at = excluded.deleted_at

-- name: get^
-- Where a deleted object stood.
SELECT seq FROM tombstones WHERE id = :id

-- name: forget!
-- Forgets the oldest that were deleted before a time, so many at once.
DELETE FROM tombstones WHERE id IN (
    SELECT id FROM tombstones WHERE deleted_at < :before ORDER BY deleted_at LIMIT :limit
)
