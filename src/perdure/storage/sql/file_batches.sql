-- name: insert!
-- Adds a batch.
INSERT INTO file_batches (id, vector_store_id, body) VALUES (:id, :vector_store_id, :body)

-- name: link
-- Links a file to the batch that asked for it.
INSERT INTO file_batch_files (batch_id, file) VALUES (:batch_id, :file)
ON CONFLICT DO NOTHING
RETURNING file

-- name: get^
-- The batch of this vector store.
SELECT seq, id, cancelled, body FROM file_batches WHERE id = :id AND vector_store_id = :parent

-- name: lock^
-- The same, kept from other writers until the transaction ends.
SELECT seq, id, cancelled, body FROM file_batches WHERE id = :id AND vector_store_id = :parent
FOR UPDATE -- postgres

-- name: cancel!
-- Notes that the batch was cancelled while files of it were in progress.
UPDATE file_batches SET cancelled = 1 WHERE id = :id

-- name: counts
-- The number of the batch's files by status.
SELECT status, COUNT(*) AS files
FROM file_batch_files JOIN vector_store_files ON vector_store_files.seq = file_batch_files.file
WHERE batch_id = :id
GROUP BY status

-- name: at_work
-- The files of the batch that are in progress, kept from other writers until the transaction ends.
SELECT vector_store_files.seq, file_id AS id, filename, body
FROM file_batch_files JOIN vector_store_files ON vector_store_files.seq = file_batch_files.file
WHERE batch_id = :id AND status = 'in_progress'
ORDER BY vector_store_files.seq
FOR UPDATE OF vector_store_files -- postgres
