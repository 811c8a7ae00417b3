-- name: insert!
-- Remembers where a deleted object stood.
INSERT INTO tombstones (id, seq, deleted_at) VALUES (:id, :seq, :deleted_at)

-- name: get^
-- Where a deleted object stood.
SELECT seq FROM tombstones WHERE id = :id

-- name: forget!
-- Forgets what was deleted before a time.
DELETE FROM tombstones WHERE deleted_at < :before
