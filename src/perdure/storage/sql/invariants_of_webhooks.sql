-- name: deliveries
-- A page of all deliveries, in the order of their keys.
SELECT id, webhook, run_id, event, told_at, data, status, attempts, ended_at, last_error,
    response_status
FROM webhook_deliveries
WHERE (id, webhook) > (:id, :webhook) ORDER BY id, webhook LIMIT :limit

-- name: told_twice
-- Events that their deliveries do not agree on.
SELECT id FROM webhook_deliveries GROUP BY id
HAVING MIN(run_id) <> MAX(run_id) OR MIN(event) <> MAX(event) OR MIN(told_at) <> MAX(told_at)
    OR MIN(data) <> MAX(data)
LIMIT :limit
