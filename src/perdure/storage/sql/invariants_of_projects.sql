-- name: strangers
-- Objects of projects that are not there.
SELECT id, project FROM assistants
WHERE NOT EXISTS (SELECT 1 FROM projects WHERE projects.id = assistants.project)
UNION ALL
SELECT id, project FROM threads
WHERE NOT EXISTS (SELECT 1 FROM projects WHERE projects.id = threads.project)
UNION ALL
SELECT id, project FROM runs
WHERE NOT EXISTS (SELECT 1 FROM projects WHERE projects.id = runs.project)
UNION ALL
SELECT id, project FROM messages
WHERE NOT EXISTS (SELECT 1 FROM projects WHERE projects.id = messages.project)
UNION ALL
SELECT id, project FROM run_steps
WHERE NOT EXISTS (SELECT 1 FROM projects WHERE projects.id = run_steps.project)
UNION ALL
SELECT id, project FROM files
WHERE NOT EXISTS (SELECT 1 FROM projects WHERE projects.id = files.project)
UNION ALL
SELECT id, project FROM uploads
WHERE NOT EXISTS (SELECT 1 FROM projects WHERE projects.id = uploads.project)
UNION ALL
SELECT id, project FROM vector_stores
WHERE NOT EXISTS (SELECT 1 FROM projects WHERE projects.id = vector_stores.project)
LIMIT :limit

-- name: odd_keys
-- Keys of projects whose owner is not there, is of another project, or was deleted before the key.
SELECT api_keys.id, api_keys.project, api_keys.service_account
FROM api_keys LEFT JOIN service_accounts ON service_accounts.id = api_keys.service_account
WHERE api_keys.kind = 'project' AND (
    service_accounts.id IS NULL OR service_accounts.project <> api_keys.project
    OR (service_accounts.deleted_at IS NOT NULL AND api_keys.deleted_at IS NULL)
)
LIMIT :limit

-- name: no_hashes
-- Keys whose hash is none: a secret, perhaps, that was written in its place.
SELECT id FROM api_keys WHERE length(hash) <> 64 OR hash LIKE 'sk-%' LIMIT :limit

-- name: untold_keys
-- Keys that were made without an entry in the audit log.
SELECT id FROM api_keys WHERE NOT EXISTS (
    SELECT 1 FROM audit_logs WHERE audit_logs.target = api_keys.id AND type = 'api_key.created'
)
LIMIT :limit
