-- name: insert!
-- Adds a project.
INSERT INTO projects (id, name, created_at) VALUES (:id, :name, :created_at)

-- name: get^
-- The project. Whoever asks is an admin, who has all of them.
SELECT seq, id, name, created_at, archived_at FROM projects WHERE id = :id

-- name: named^
-- A project of this name that was not archived.
SELECT id FROM projects WHERE name = :name AND archived_at IS NULL LIMIT 1

-- name: rename!
-- Gives the project another name.
UPDATE projects SET name = :name WHERE id = :id

-- name: archive!
-- Notes when the project was archived.
UPDATE projects SET archived_at = :now WHERE id = :id AND archived_at IS NULL

-- name: all
-- All projects, archived ones too.
SELECT id, name, archived_at FROM projects

-- name: newest_first
-- A page of all projects by descending order; of those that were not archived, if `status` is given.
SELECT seq, id, name, created_at, archived_at FROM projects
WHERE seq < :high AND seq > :low
  AND (CAST(:status AS TEXT) IS NULL OR archived_at IS NULL)
ORDER BY seq DESC LIMIT :limit

-- name: oldest_first
-- The same page by ascending order.
SELECT seq, id, name, created_at, archived_at FROM projects
WHERE seq < :high AND seq > :low
  AND (CAST(:status AS TEXT) IS NULL OR archived_at IS NULL)
ORDER BY seq ASC LIMIT :limit
