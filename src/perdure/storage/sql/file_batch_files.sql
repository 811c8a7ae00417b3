-- name: get^
-- The file of a batch.
SELECT seq, file_id AS id, body
FROM file_batch_files JOIN vector_store_files ON vector_store_files.seq = file_batch_files.file
WHERE file_id = :id AND batch_id = :parent

-- name: newest_first
-- A page of the batch's files by descending order, of one status only if named.
SELECT seq, file_id AS id, body
FROM file_batch_files JOIN vector_store_files ON vector_store_files.seq = file_batch_files.file
WHERE batch_id = :parent AND seq < :high AND seq > :low
  AND (CAST(:status AS TEXT) IS NULL OR status = :status)
ORDER BY seq DESC LIMIT :limit

-- name: oldest_first
-- The same page by ascending order.
SELECT seq, file_id AS id, body
FROM file_batch_files JOIN vector_store_files ON vector_store_files.seq = file_batch_files.file
WHERE batch_id = :parent AND seq < :high AND seq > :low
  AND (CAST(:status AS TEXT) IS NULL OR status = :status)
ORDER BY seq ASC LIMIT :limit
