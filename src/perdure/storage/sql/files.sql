-- name: insert!
-- Adds a file at the end of its project's list.
INSERT INTO files (id, project, purpose, expires_at, body)
VALUES (:id, :project, :purpose, :expires_at, :body)

-- name: get^
-- The file of this project.
SELECT seq, body FROM files WHERE id = :id AND project = :project

-- name: get_for_run^
-- The file, if it is of the run's project.
SELECT files.body FROM files JOIN runs ON runs.project = files.project
WHERE files.id = :id AND runs.id = :run_id

-- name: lock^
-- The file, kept from other writers until the transaction ends.
SELECT seq, body FROM files
WHERE id = :id AND project = :project
FOR UPDATE -- postgres

-- name: update!
-- Replaces the file's body.
UPDATE files SET body = :body WHERE id = :id AND project = :project

-- name: delete!
-- Removes the file's row.
DELETE FROM files WHERE id = :id AND project = :project

-- name: due
-- Files past their time.
SELECT id, project FROM files WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit

-- name: newest_first
-- A page by descending order, of one purpose only if named.
SELECT seq, id, body FROM files
WHERE project = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (project, seq) < (:parent, :high) AND (project, seq) > (:parent, :low) -- postgres
  AND (CAST(:purpose AS TEXT) IS NULL OR purpose = :purpose)
ORDER BY project DESC, seq DESC LIMIT :limit

-- name: oldest_first
-- The same page by ascending order.
SELECT seq, id, body FROM files
WHERE project = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (project, seq) < (:parent, :high) AND (project, seq) > (:parent, :low) -- postgres
  AND (CAST(:purpose AS TEXT) IS NULL OR purpose = :purpose)
ORDER BY project ASC, seq ASC LIMIT :limit

-- name: known
-- Those of the named files that the project has, kept from being deleted until the transaction
-- ends. `ids` is JSON.
SELECT body FROM files
WHERE project = :project AND id IN (
    SELECT value FROM json_each(:ids) -- sqlite
    SELECT json_array_elements_text(CAST(:ids AS JSON)) -- postgres
)
ORDER BY seq
FOR KEY SHARE -- postgres
