-- name: insert!
-- Adds a vector store at the end of its project's list.
INSERT INTO vector_stores (id, project, expires_at, last_active_at, body)
VALUES (:id, :project, :expires_at, :last_active_at, :body)

-- name: get^
-- The vector store of this project.
SELECT seq, id, expires_at, last_active_at, body FROM vector_stores
WHERE id = :id AND project = :project

-- name: of_run^
-- The vector store, if it is of the run's project.
SELECT vector_stores.project, vector_stores.expires_at
FROM vector_stores JOIN runs ON runs.project = vector_stores.project
WHERE vector_stores.id = :id AND runs.id = :run_id

-- name: project^
-- The project of a vector store.
SELECT project FROM vector_stores WHERE id = :id

-- name: at_work^
-- A file of the vector store that is in progress, if there is any.
SELECT seq FROM vector_store_files WHERE vector_store_id = :id AND status = 'in_progress' LIMIT 1

-- name: lock^
-- The same, kept from other writers until the transaction ends.
SELECT seq, id, expires_at, last_active_at, body FROM vector_stores
WHERE id = :id AND project = :project
FOR UPDATE -- postgres

-- name: update!
-- Replaces the body and the time of expiry.
UPDATE vector_stores SET body = :body, expires_at = :expires_at
WHERE id = :id AND project = :project

-- name: touch!
-- Notes that the vector store was used, which puts its expiry off; not often, so that searches do
-- not become writes, and not once it has expired.
UPDATE vector_stores SET last_active_at = :now, expires_at = expires_at + (:now - last_active_at)
WHERE id = :id AND project = :project AND last_active_at <= :before AND (expires_at IS NULL OR expires_at > :now)
  AND emptied = 0

-- name: delete!
-- Removes the vector store, its list of files and its batches; the files themselves stay.
DELETE FROM vector_stores WHERE id = :id AND project = :project

-- name: expired
-- Vector stores that have expired and were not emptied yet.
SELECT id FROM vector_stores WHERE emptied = 0 AND expires_at <= :now
ORDER BY expires_at LIMIT :limit

-- name: lock_expired^
-- The vector store, if it has expired; kept from other writers until the transaction ends.
SELECT id FROM vector_stores WHERE id = :id AND expires_at <= :now
FOR UPDATE -- postgres

-- name: empty!
-- Notes that the content of the vector store was dropped.
UPDATE vector_stores SET emptied = 1 WHERE id = :id

-- name: files_at_work
-- The files of the vector store that are in progress, kept from other writers until the transaction
-- ends.
SELECT seq, file_id AS id, body FROM vector_store_files
WHERE vector_store_id = :id AND status = 'in_progress'
ORDER BY seq
FOR UPDATE -- postgres

-- name: newest_first
-- A page by descending order.
SELECT seq, id, expires_at, last_active_at, body FROM vector_stores
WHERE project = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (project, seq) < (:parent, :high) AND (project, seq) > (:parent, :low) -- postgres
ORDER BY project DESC, seq DESC LIMIT :limit

-- name: oldest_first
-- The same page by ascending order.
SELECT seq, id, expires_at, last_active_at, body FROM vector_stores
WHERE project = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (project, seq) < (:parent, :high) AND (project, seq) > (:parent, :low) -- postgres
ORDER BY project ASC, seq ASC LIMIT :limit

-- name: counts
-- The numbers of files of these vector stores by status, and the bytes that they take. `ids` is
-- JSON.
SELECT vector_store_id AS id, status, COUNT(*) AS files, SUM(usage_bytes) AS usage_bytes
FROM vector_store_files
WHERE vector_store_id IN (
    SELECT value FROM json_each(:ids) -- sqlite
    SELECT json_array_elements_text(CAST(:ids AS JSON)) -- postgres
)
GROUP BY vector_store_id, status
