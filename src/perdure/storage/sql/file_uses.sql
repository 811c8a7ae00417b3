-- name: insert
-- Notes that an assistant or a thread lists a file.
INSERT INTO file_uses (file_id, owner) VALUES (:file_id, :owner)
ON CONFLICT DO NOTHING
RETURNING file_id

-- name: of_file
-- The assistants and threads that list a file, or have listed it.
SELECT owner FROM file_uses WHERE file_id = :file_id

-- name: delete!
-- Deletes the links to a file.
DELETE FROM file_uses WHERE file_id = :file_id
