-- name: insert!
-- Adds a thread.
INSERT INTO threads (id, project, body) VALUES (:id, :project, :body)

-- name: get^
-- The thread of this project.
SELECT seq, body FROM threads WHERE id = :id AND project = :project

-- name: lock^
-- The thread, kept from other writers until the transaction ends: it is locked before a message or
-- a run is added to it, so that the thread lock of the API has no gap.
SELECT seq, body FROM threads
WHERE id = :id AND project = :project
FOR NO KEY UPDATE -- postgres

-- name: update!
-- Replaces the thread's body.
UPDATE threads SET body = :body WHERE id = :id AND project = :project

-- name: delete!
-- Removes the thread and, by cascade, its messages, runs, run steps and events.
DELETE FROM threads WHERE id = :id AND project = :project

-- name: newest_first
-- A page of a project's threads by descending order.
SELECT seq, id, body FROM threads
WHERE project = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (project, seq) < (:parent, :high) AND (project, seq) > (:parent, :low) -- postgres
ORDER BY project DESC, seq DESC LIMIT :limit

-- name: oldest_first
-- The same page by ascending order.
SELECT seq, id, body FROM threads
WHERE project = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (project, seq) < (:parent, :high) AND (project, seq) > (:parent, :low) -- postgres
ORDER BY project ASC, seq ASC LIMIT :limit

-- name: change^
-- The thread, kept from all other writers until the transaction ends.
SELECT body FROM threads WHERE id = :id AND project = :project
FOR UPDATE -- postgres

-- name: exists^
-- A row if the thread is still there, in any project.
SELECT 1 FROM threads WHERE id = :id

-- name: of_run^
-- The thread of a run.
SELECT threads.body FROM threads JOIN runs ON runs.thread_id = threads.id WHERE runs.id = :run_id
