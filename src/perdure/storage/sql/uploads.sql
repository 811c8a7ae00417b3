-- name: insert!
-- Adds a pending upload.
INSERT INTO uploads (id, project, status, expires_at, file_lifetime, body)
VALUES (:id, :project, :status, :expires_at, :file_lifetime, :body)

-- name: lock^
-- The upload, kept from other writers until the transaction ends.
SELECT status, expires_at, file_lifetime, body FROM uploads
WHERE id = :id AND project = :project
FOR UPDATE -- postgres

-- name: move!
-- Moves an upload to a new status if it still has the old one; changes no row otherwise.
UPDATE uploads SET status = :status, body = :body
WHERE id = :id AND project = :project AND status = :was

-- name: due
-- Pending uploads past their time.
SELECT id, project FROM uploads
WHERE status = 'pending' AND expires_at <= :now
ORDER BY expires_at LIMIT :limit

-- name: add_part!
-- Adds a part to an upload.
INSERT INTO upload_parts (id, upload_id) VALUES (:id, :upload_id)

-- name: parts
-- The parts of an upload with their blobs, in no order.
SELECT upload_parts.id, blobs.id AS blob, blobs.bytes, blobs.location
FROM upload_parts JOIN blobs ON blobs.owner = upload_parts.id
WHERE upload_id = :upload_id

-- name: get^
-- The upload, not locked.
SELECT status, expires_at, body FROM uploads WHERE id = :id AND project = :project

-- name: drop_parts!
-- Removes the parts of an upload; their blobs stay.
DELETE FROM upload_parts WHERE upload_id = :upload_id

-- name: forget!
-- Deletes uploads that ended before a time, so many at once.
DELETE FROM uploads WHERE id IN (
    SELECT id FROM uploads
    WHERE status <> 'pending' AND expires_at < :before
    ORDER BY expires_at LIMIT :limit
)
