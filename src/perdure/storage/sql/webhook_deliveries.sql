-- name: insert!
-- Adds a delivery for each webhook of the project that hears of the event; in the transaction of
-- the row that it tells.
INSERT INTO webhook_deliveries (id, webhook, run_id, event, told_at, data, due_at)
SELECT :id, name, :run_id, :event, :told_at, :data, :due_at FROM webhooks
WHERE project = :project AND event = :event

-- name: due^
-- Whether anything is to be sent to this webhook now.
SELECT 1 AS one FROM webhook_deliveries
WHERE webhook = :webhook AND status = 'waiting' AND due_at <= :now
LIMIT 1

-- name: claim
-- Takes what is to be sent to this webhook now, the longest due first: nobody else is given it
-- until `again_at`, and then the number of attempts is another.
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
-- It has arrived, if this attempt is still the last one.
UPDATE webhook_deliveries
SET status = 'delivered', data = NULL, ended_at = :now, last_error = NULL
WHERE id = :id AND webhook = :webhook AND status = 'waiting' AND attempts = :attempt

-- name: postpone!
-- It has not arrived and is sent again later, if this attempt is still the last one.
UPDATE webhook_deliveries SET due_at = :due_at, last_error = :error
WHERE id = :id AND webhook = :webhook AND status = 'waiting' AND attempts = :attempt

-- name: give_up!
-- It has not arrived and is not sent again, if this attempt is still the last one.
UPDATE webhook_deliveries SET status = 'given_up', ended_at = :now, last_error = :error
WHERE id = :id AND webhook = :webhook AND status = 'waiting' AND attempts = :attempt

-- name: give_up_all!
-- Nothing that waits for this webhook is sent any more.
UPDATE webhook_deliveries SET status = 'given_up', ended_at = :now, last_error = :error
WHERE webhook = :webhook AND status = 'waiting'

-- name: awaited
-- The webhooks that something waits for.
SELECT DISTINCT webhook FROM webhook_deliveries WHERE status = 'waiting'

-- name: forget!
-- Forgets those that ended before a time, so many at once.
DELETE FROM webhook_deliveries WHERE (id, webhook) IN (
    SELECT id, webhook FROM webhook_deliveries
    WHERE ended_at < :before ORDER BY ended_at LIMIT :limit
)
