-- name: insert!
-- Adds an API key, by the hash of its secret.
INSERT INTO api_keys
    (id, kind, project, service_account, hash, name, redacted_value, created_at, expires_at)
VALUES
    (:id, :kind, :project, :service_account, :hash, :name, :redacted_value, :created_at,
     :expires_at)

-- name: get^
-- The API key of this project with its owner, also for a cursor that names one that was deleted.
SELECT api_keys.seq, api_keys.id, api_keys.name, redacted_value, api_keys.created_at, last_used_at,
    expires_at, api_keys.deleted_at, service_accounts.id AS owner, service_accounts.name AS
    owner_name, service_accounts.created_at AS owner_created_at
FROM api_keys JOIN service_accounts ON service_accounts.id = api_keys.service_account
WHERE api_keys.id = :id AND api_keys.project = :project

-- name: newest_first
-- A page of the project's API keys by descending order.
SELECT api_keys.seq, api_keys.id, api_keys.name, redacted_value, api_keys.created_at, last_used_at,
    expires_at, api_keys.deleted_at, service_accounts.id AS owner, service_accounts.name AS
    owner_name, service_accounts.created_at AS owner_created_at
FROM api_keys JOIN service_accounts ON service_accounts.id = api_keys.service_account
WHERE api_keys.project = :parent AND api_keys.seq < :high AND api_keys.seq > :low
  AND api_keys.deleted_at IS NULL
ORDER BY api_keys.project DESC, api_keys.seq DESC LIMIT :limit

-- name: oldest_first
-- The same page by ascending order.
SELECT api_keys.seq, api_keys.id, api_keys.name, redacted_value, api_keys.created_at, last_used_at,
    expires_at, api_keys.deleted_at, service_accounts.id AS owner, service_accounts.name AS
    owner_name, service_accounts.created_at AS owner_created_at
FROM api_keys JOIN service_accounts ON service_accounts.id = api_keys.service_account
WHERE api_keys.project = :parent AND api_keys.seq < :high AND api_keys.seq > :low
  AND api_keys.deleted_at IS NULL
ORDER BY api_keys.project ASC, api_keys.seq ASC LIMIT :limit

-- name: of_account
-- The API keys of a service account that were not deleted.
SELECT id FROM api_keys
WHERE service_account = :service_account AND project = :project AND deleted_at IS NULL
ORDER BY seq

-- name: expire!
-- Sets the time at which an API key of a project expires.
UPDATE api_keys SET expires_at = :expires_at WHERE id = :id AND project = :project

-- name: delete!
-- Notes when an API key of a project was deleted: from then on it opens nothing.
UPDATE api_keys SET deleted_at = :now
WHERE id = :id AND project = :project AND deleted_at IS NULL

-- name: known
-- All API keys that there are or were.
SELECT id, kind, project, hash, expires_at, deleted_at FROM api_keys

-- name: changes^
-- How often projects and keys were changed.
SELECT changes FROM api_key_changes

-- name: note_change!
-- Notes that projects or keys are changed, and keeps others from changing them until the transaction
-- ends.
INSERT INTO api_key_changes (only_row, changes) VALUES (1, 1)
ON CONFLICT (only_row) DO UPDATE SET changes = api_key_changes.changes + 1

-- name: note_use!
-- Notes the minute in which an API key was used last.
UPDATE api_keys SET last_used_at = :minute
WHERE id = :id AND (last_used_at IS NULL OR last_used_at < :minute)
