-- name: all
-- The subscriptions of all webhooks to events.
SELECT name, project, event FROM webhooks

-- name: insert!
-- Subscribes a webhook to an event of a project.
INSERT INTO webhooks (name, project, event) VALUES (:name, :project, :event)
ON CONFLICT (name, event) DO UPDATE SET project = excluded.project

-- name: delete!
-- Ends a webhook's subscription to an event.
DELETE FROM webhooks WHERE name = :name AND event = :event

-- name: silence!
-- Ends all subscriptions of a webhook.
DELETE FROM webhooks WHERE name = :name
