-- name: insert
-- Adds a file that waits to be ingested; no row if the vector store has it already.
INSERT INTO vector_store_files (vector_store_id, file_id, filename, status, attributes, body)
VALUES (:vector_store_id, :file_id, :filename, :status, :attributes, :body)
ON CONFLICT (vector_store_id, file_id) DO NOTHING
RETURNING seq

-- name: get^
-- The file of this vector store.
SELECT seq, file_id AS id, filename, ingestion, body FROM vector_store_files
WHERE file_id = :id AND vector_store_id = :parent

-- name: lock^
-- The same, kept from other writers until the transaction ends.
SELECT seq, file_id AS id, filename, ingestion, body FROM vector_store_files
WHERE file_id = :id AND vector_store_id = :parent
FOR UPDATE -- postgres

-- name: lock_all
-- Those of the named files that the vector store has, kept from other writers until the transaction
-- ends. `ids` is JSON.
SELECT seq, file_id AS id, filename, body FROM vector_store_files
WHERE vector_store_id = :parent AND file_id IN (
    SELECT value FROM json_each(:ids) -- sqlite
    SELECT json_array_elements_text(CAST(:ids AS JSON)) -- postgres
)
ORDER BY seq
FOR UPDATE -- postgres

-- name: of_file
-- The rows of a file in the vector stores that have it.
SELECT seq, file_id AS id, vector_store_id FROM vector_store_files WHERE file_id = :file_id
FOR UPDATE -- postgres

-- name: update!
-- Replaces the body and the attributes for filters; the status stays.
UPDATE vector_store_files SET body = :body, attributes = :attributes WHERE seq = :seq

-- name: move!
-- Moves a file to a new status if it still has the old one, and takes it from its worker.
UPDATE vector_store_files
SET status = :status, body = :body, usage_bytes = :usage_bytes, ingestion = :ingestion,
    attempts = 0, put_off = 0, owner = NULL, lease_until = NULL
WHERE seq = :seq AND status = :was

-- name: delete!
-- Removes the file from the vector store.
DELETE FROM vector_store_files WHERE seq = :seq

-- name: newest_first
-- A page of the vector store's files by descending order, of one status only if named.
SELECT seq, file_id AS id, body FROM vector_store_files
WHERE vector_store_id = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (vector_store_id, seq) < (:parent, :high) AND (vector_store_id, seq) > (:parent, :low) -- postgres
  AND (CAST(:status AS TEXT) IS NULL OR status = :status)
ORDER BY vector_store_id DESC, seq DESC LIMIT :limit

-- name: oldest_first
-- The same page by ascending order.
SELECT seq, file_id AS id, body FROM vector_store_files
WHERE vector_store_id = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (vector_store_id, seq) < (:parent, :high) AND (vector_store_id, seq) > (:parent, :low) -- postgres
  AND (CAST(:status AS TEXT) IS NULL OR status = :status)
ORDER BY vector_store_id ASC, seq ASC LIMIT :limit

-- name: failed_of_file
-- The file in those vector stores where it failed, kept from other writers until the transaction
-- ends.
SELECT seq, vector_store_id, body FROM vector_store_files
WHERE file_id = :file_id AND status = 'failed' ORDER BY seq
FOR UPDATE -- postgres

-- name: rename!
-- Changes the name of a file in all vector stores that have it.
UPDATE vector_store_files SET filename = :filename WHERE file_id = :file_id
