-- name: insert!
-- Adds a service account to a project.
INSERT INTO service_accounts (id, project, name, created_at)
VALUES (:id, :project, :name, :created_at)

-- name: get^
-- The service account of this project, also for a cursor that names one that was deleted.
SELECT seq, id, name, created_at, deleted_at FROM service_accounts
WHERE id = :id AND project = :project

-- name: rename!
-- Gives the service account another name.
UPDATE service_accounts SET name = :name WHERE id = :id AND project = :project

-- name: delete!
-- Notes when the service account was deleted.
UPDATE service_accounts SET deleted_at = :now
WHERE id = :id AND project = :project AND deleted_at IS NULL

-- name: newest_first
-- A page of the project's service accounts by descending order.
SELECT seq, id, name, created_at, deleted_at FROM service_accounts
WHERE project = :parent AND seq < :high AND seq > :low AND deleted_at IS NULL
ORDER BY project DESC, seq DESC LIMIT :limit

-- name: oldest_first
-- The same page by ascending order.
SELECT seq, id, name, created_at, deleted_at FROM service_accounts
WHERE project = :parent AND seq < :high AND seq > :low AND deleted_at IS NULL
ORDER BY project ASC, seq ASC LIMIT :limit
