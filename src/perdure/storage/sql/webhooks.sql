-- name: all
-- Which webhook hears of which event.
SELECT name, project, event FROM webhooks

-- name: insert!
-- Lets a webhook hear of an event of a project.
INSERT INTO webhooks (name, project, event) VALUES (:name, :project, :event)
ON CONFLICT (name, event) DO UPDATE SET project = excluded.project

-- name: delete!
-- A webhook hears of this event no more.
DELETE FROM webhooks WHERE name = :name AND event = :event

-- name: silence!
-- A webhook hears of nothing any more.
DELETE FROM webhooks WHERE name = :name
