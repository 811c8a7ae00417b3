-- name: insert!
-- Adds a delivery for each webhook of the project that subscribes to the event; in the transaction
-- of the row that it shows.
INSERT INTO webhook_deliveries (id, webhook, project, run_id, event, told_at, data, due_at)
SELECT :id, name, project, :run_id, :event, :told_at, :data, :due_at FROM webhooks
WHERE project = :project AND event = :event

-- name: due^
-- A row if a delivery is due to this webhook.
SELECT 1 AS one FROM webhook_deliveries
WHERE webhook = :webhook AND status = 'waiting' AND due_at <= :now
LIMIT 1

-- name: claim
-- Claims the deliveries that are due to this webhook, the longest due first: no other sender gets
-- them until `again_at`, and then the number of attempts is another.
WITH due AS MATERIALIZED (
    SELECT id FROM webhook_deliveries
    WHERE webhook = :webhook AND status = 'waiting' AND due_at <= :now
    ORDER BY due_at LIMIT :limit
    FOR UPDATE SKIP LOCKED -- postgres
)
UPDATE webhook_deliveries SET attempts = attempts + 1, due_at = :again_at
WHERE webhook = :webhook AND id IN (SELECT id FROM due)
RETURNING id, webhook, run_id, event, told_at, data, attempts

-- name: deliver!
-- Marks a delivery delivered, if this attempt is still the last one.
UPDATE webhook_deliveries
SET status = 'delivered', data = NULL, ended_at = :now, last_error = NULL,
    response_status = :response_status
WHERE id = :id AND webhook = :webhook AND status = 'waiting' AND attempts = :attempt

-- name: postpone!
-- Postpones a delivery that has not arrived (backoff), if this attempt is still the last one.
UPDATE webhook_deliveries
SET due_at = :due_at, last_error = :error, response_status = :response_status
WHERE id = :id AND webhook = :webhook AND status = 'waiting' AND attempts = :attempt

-- name: give_up!
-- Marks a delivery given up, if this attempt is still the last one.
UPDATE webhook_deliveries
SET status = 'given_up', ended_at = :now, last_error = :error, response_status = :response_status
WHERE id = :id AND webhook = :webhook AND status = 'waiting' AND attempts = :attempt

-- name: give_up_all!
-- Marks all waiting deliveries to this webhook given up.
UPDATE webhook_deliveries SET status = 'given_up', ended_at = :now, last_error = :error
WHERE webhook = :webhook AND status = 'waiting'

-- name: awaited
-- The webhooks with waiting deliveries.
SELECT DISTINCT webhook FROM webhook_deliveries WHERE status = 'waiting'

-- name: forget!
-- Deletes deliveries that ended before a time, so many at once.
DELETE FROM webhook_deliveries WHERE (id, webhook) IN (
    SELECT id, webhook FROM webhook_deliveries
    WHERE ended_at < :before ORDER BY ended_at LIMIT :limit
)

-- name: all_newest
-- Deliveries of a project, newest first: those between two places, which are not among them.
SELECT id, webhook, run_id, event, told_at, status, attempts, due_at, ended_at, last_error,
    response_status
FROM webhook_deliveries
WHERE project = :project
  AND (told_at, id, webhook) > (:low_at, :low_id, :low_webhook)
  AND (told_at, id, webhook) < (:high_at, :high_id, :high_webhook)
ORDER BY told_at DESC, id DESC, webhook DESC LIMIT :limit

-- name: all_oldest
-- The same, oldest first.
SELECT id, webhook, run_id, event, told_at, status, attempts, due_at, ended_at, last_error,
    response_status
FROM webhook_deliveries
WHERE project = :project
  AND (told_at, id, webhook) > (:low_at, :low_id, :low_webhook)
  AND (told_at, id, webhook) < (:high_at, :high_id, :high_webhook)
ORDER BY told_at ASC, id ASC, webhook ASC LIMIT :limit

-- name: status_newest
-- Deliveries of one status, newest first: those between two places, which are not among them.
SELECT id, webhook, run_id, event, told_at, status, attempts, due_at, ended_at, last_error,
    response_status
FROM webhook_deliveries
WHERE project = :project
  AND status = :status
  AND (told_at, id, webhook) > (:low_at, :low_id, :low_webhook)
  AND (told_at, id, webhook) < (:high_at, :high_id, :high_webhook)
ORDER BY told_at DESC, id DESC, webhook DESC LIMIT :limit

-- name: status_oldest
-- The same, oldest first.
SELECT id, webhook, run_id, event, told_at, status, attempts, due_at, ended_at, last_error,
    response_status
FROM webhook_deliveries
WHERE project = :project
  AND status = :status
  AND (told_at, id, webhook) > (:low_at, :low_id, :low_webhook)
  AND (told_at, id, webhook) < (:high_at, :high_id, :high_webhook)
ORDER BY told_at ASC, id ASC, webhook ASC LIMIT :limit

-- name: get^
-- The delivery of this project, with its data.
SELECT id, webhook, run_id, event, told_at, status, attempts, due_at, ended_at, last_error,
    response_status, data
FROM webhook_deliveries WHERE id = :id AND webhook = :webhook AND project = :project

-- name: send_again!
-- Lets a delivery that was given up wait again, and be sent at once; changes no row otherwise.
UPDATE webhook_deliveries
SET status = 'waiting', ended_at = NULL, due_at = :now, last_error = NULL
WHERE id = :id AND webhook = :webhook AND project = :project AND status = 'given_up'
