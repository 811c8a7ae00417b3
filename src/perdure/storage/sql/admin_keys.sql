-- name: get^
-- The admin key, also for a cursor that names one that was deleted.
SELECT seq, id, name, redacted_value, created_at, last_used_at, expires_at, deleted_at
FROM api_keys WHERE id = :id AND kind = 'admin'

-- name: newest_first
-- A page of the admin keys by descending order.
SELECT seq, id, name, redacted_value, created_at, last_used_at, expires_at, deleted_at
FROM api_keys WHERE kind = 'admin' AND seq < :high AND seq > :low AND deleted_at IS NULL
ORDER BY seq DESC LIMIT :limit

-- name: oldest_first
-- The same page by ascending order.
SELECT seq, id, name, redacted_value, created_at, last_used_at, expires_at, deleted_at
FROM api_keys WHERE kind = 'admin' AND seq < :high AND seq > :low AND deleted_at IS NULL
ORDER BY seq ASC LIMIT :limit

-- name: expire!
-- Sets the time at which an admin key expires.
UPDATE api_keys SET expires_at = :expires_at WHERE id = :id AND kind = 'admin'

-- name: delete!
-- Notes when an admin key was deleted: from then on it opens nothing.
UPDATE api_keys SET deleted_at = :now WHERE id = :id AND kind = 'admin' AND deleted_at IS NULL
