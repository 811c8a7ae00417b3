-- name: insert!
-- Adds a message at the end of its thread.
INSERT INTO messages (id, project, thread_id, run_id, role, status, body)
VALUES (:id, :project, :thread_id, :run_id, :role, :status, :body)

-- name: get^
-- The message of this thread and project.
SELECT seq, status, body FROM messages
WHERE id = :id AND thread_id = :parent AND project = :project

-- name: lock^
-- The same, kept from other writers until the transaction ends.
SELECT seq, status, body FROM messages
WHERE id = :id AND thread_id = :parent AND project = :project
FOR UPDATE -- postgres

-- name: update!
-- Replaces the message's body; its status stays.
UPDATE messages SET body = :body WHERE id = :id AND project = :project

-- name: move!
-- Moves a message to a new status if it still has the old one; changes no row otherwise.
UPDATE messages SET status = :status, body = :body WHERE id = :id AND status = :was

-- name: delete!
-- Removes the message.
DELETE FROM messages WHERE id = :id AND project = :project

-- name: open_of_run^
-- The message that the run is writing, if any; there is at most one (unique index).
SELECT body FROM messages WHERE run_id = :run_id AND status = 'in_progress'

-- name: of_run
-- The messages that a run wrote, oldest first.
SELECT body FROM messages WHERE run_id = :run_id ORDER BY seq

-- name: chosen
-- Those messages of a thread of this project that are still there, found by their ids: the plus sign
-- keeps SQLite from reading the whole thread.
SELECT seq, id, body FROM messages
WHERE id IN (SELECT value FROM json_each(:ids)) AND +thread_id = :thread_id -- sqlite
WHERE id = ANY(ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) -- postgres
  AND thread_id = :thread_id -- postgres
  AND project = :project

-- name: before_run
-- The newest messages of a thread that are not the run's own, newest first.
SELECT seq, body FROM messages
WHERE thread_id = :thread_id AND seq < :high -- sqlite
WHERE (thread_id, seq) < (:thread_id, :high) AND thread_id >= :thread_id -- postgres
  AND (run_id IS NULL OR run_id <> :run_id)
ORDER BY thread_id DESC, seq DESC LIMIT :limit

-- name: earliest
-- The first messages of a thread, oldest first.
SELECT seq, body FROM messages
WHERE thread_id = :thread_id AND seq < :high -- sqlite
WHERE (thread_id, seq) < (:thread_id, :high) AND thread_id >= :thread_id -- postgres
ORDER BY thread_id ASC, seq ASC LIMIT :limit

-- name: newest_of_user^
-- The newest message of a user in a thread.
SELECT seq, body FROM messages
WHERE thread_id = :thread_id AND seq < :high -- sqlite
WHERE (thread_id, seq) < (:thread_id, :high) AND thread_id >= :thread_id -- postgres
  AND role = 'user'
ORDER BY thread_id DESC, seq DESC LIMIT 1

-- name: any_of_thread^
-- One message of the thread, if it has any.
SELECT id FROM messages
WHERE thread_id = :thread_id -- sqlite
WHERE thread_id >= :thread_id AND thread_id <= :thread_id -- postgres
ORDER BY thread_id, seq LIMIT 1

-- name: newest_first
-- A page of the thread's messages by descending order, of one run only if named.
SELECT seq, id, body FROM messages
WHERE thread_id = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (thread_id, seq) < (:parent, :high) AND (thread_id, seq) > (:parent, :low) -- postgres
  AND project = :project
  AND (CAST(:run_id AS TEXT) IS NULL OR run_id = :run_id)
ORDER BY thread_id DESC, seq DESC LIMIT :limit

-- name: oldest_first
-- The same page by ascending order.
SELECT seq, id, body FROM messages
WHERE thread_id = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (thread_id, seq) < (:parent, :high) AND (thread_id, seq) > (:parent, :low) -- postgres
  AND project = :project
  AND (CAST(:run_id AS TEXT) IS NULL OR run_id = :run_id)
ORDER BY thread_id ASC, seq ASC LIMIT :limit
