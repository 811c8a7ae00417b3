-- name: insert!
-- Adds an assistant at the end of its project's list.
INSERT INTO assistants (id, project, body) VALUES (:id, :project, :body)

-- name: get^
-- The assistant of this project.
SELECT seq, body FROM assistants WHERE id = :id AND project = :project

-- name: lock^
-- The assistant, kept from other writers until the transaction ends.
SELECT seq, body FROM assistants
WHERE id = :id AND project = :project
FOR UPDATE -- postgres


-- name: update!
-- Replaces the assistant's body.
UPDATE assistants SET body = :body WHERE id = :id AND project = :project

-- name: delete!
-- Removes the assistant; threads and runs that used it stay.
DELETE FROM assistants WHERE id = :id AND project = :project

-- name: newest_first
-- A page by descending order: below `before_seq`, above `after_seq`.
SELECT seq, id, body FROM assistants
WHERE project = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (project, seq) < (:parent, :high) AND (project, seq) > (:parent, :low) -- postgres
ORDER BY project DESC, seq DESC LIMIT :limit

-- name: oldest_first
-- The same page by ascending order.
SELECT seq, id, body FROM assistants
WHERE project = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (project, seq) < (:parent, :high) AND (project, seq) > (:parent, :low) -- postgres
ORDER BY project ASC, seq ASC LIMIT :limit

-- name: with_code^
-- One of the newest `limit` assistants that has the code_interpreter tool.
SELECT id FROM (SELECT id, body FROM assistants ORDER BY seq DESC LIMIT :limit) AS newest
WHERE body LIKE '%"type":"code_interpreter"%' LIMIT 1
