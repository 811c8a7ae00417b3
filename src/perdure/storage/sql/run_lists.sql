-- name: get^
-- The place of a run of this project in the lists below.
SELECT created_at, seq FROM runs WHERE id = :id AND project = :project AND created_at IS NOT NULL

-- name: complete!
-- Fills the columns of lists where an older version wrote the row, from its body. A failed run
-- always has a code.
UPDATE runs SET
    created_at = COALESCE(json_extract(body, '$.created_at'), 0), -- sqlite
    assistant_id = json_extract(body, '$.assistant_id'), -- sqlite
    model = json_extract(body, '$.model'), -- sqlite
    created_at = COALESCE(CAST(CAST(body AS json) ->> 'created_at' AS BIGINT), 0), -- postgres
    assistant_id = CAST(body AS json) ->> 'assistant_id', -- postgres
    model = CAST(body AS json) ->> 'model', -- postgres
    error_code = CASE WHEN status = 'failed' THEN COALESCE(
        json_extract(body, '$.last_error.code'), -- sqlite
        CAST(body AS json) -> 'last_error' ->> 'code', -- postgres
        'server_error'
    ) END
WHERE seq IN (
    SELECT seq FROM runs
    WHERE created_at IS NULL OR (status = 'failed' AND error_code IS NULL)
    ORDER BY seq LIMIT :limit
    FOR UPDATE SKIP LOCKED -- postgres
)

-- name: all_newest
-- Runs of the project, newest first: those between two places, which are not among them.
SELECT created_at, seq, id, body FROM runs
WHERE project = :project
  AND (created_at, seq) > (:low_at, :low) AND (created_at, seq) < (:high_at, :high)
ORDER BY created_at DESC, seq DESC LIMIT :limit

-- name: all_oldest
-- The same, oldest first.
SELECT created_at, seq, id, body FROM runs
WHERE project = :project
  AND (created_at, seq) > (:low_at, :low) AND (created_at, seq) < (:high_at, :high)
ORDER BY created_at ASC, seq ASC LIMIT :limit

-- name: status_newest
-- Runs of one status, newest first: those between two places, which are not among them.
SELECT created_at, seq, id, body FROM runs
WHERE project = :project
  AND status = :value
  AND (created_at, seq) > (:low_at, :low) AND (created_at, seq) < (:high_at, :high)
ORDER BY created_at DESC, seq DESC LIMIT :limit

-- name: status_oldest
-- The same, oldest first.
SELECT created_at, seq, id, body FROM runs
WHERE project = :project
  AND status = :value
  AND (created_at, seq) > (:low_at, :low) AND (created_at, seq) < (:high_at, :high)
ORDER BY created_at ASC, seq ASC LIMIT :limit

-- name: assistant_newest
-- Runs of one assistant, newest first: those between two places, which are not among them.
SELECT created_at, seq, id, body FROM runs
WHERE project = :project
  AND assistant_id = :value
  AND (created_at, seq) > (:low_at, :low) AND (created_at, seq) < (:high_at, :high)
ORDER BY created_at DESC, seq DESC LIMIT :limit

-- name: assistant_oldest
-- The same, oldest first.
SELECT created_at, seq, id, body FROM runs
WHERE project = :project
  AND assistant_id = :value
  AND (created_at, seq) > (:low_at, :low) AND (created_at, seq) < (:high_at, :high)
ORDER BY created_at ASC, seq ASC LIMIT :limit

-- name: thread_newest
-- Runs of one thread, newest first. They are found before they are sorted: PostgreSQL would else
-- walk through the runs of all threads by time.
WITH of_thread AS MATERIALIZED (
    SELECT created_at, seq, id, body FROM runs WHERE thread_id = :value AND project = :project
)
SELECT created_at, seq, id, body FROM of_thread
WHERE (created_at, seq) > (:low_at, :low) AND (created_at, seq) < (:high_at, :high)
ORDER BY created_at DESC, seq DESC LIMIT :limit

-- name: thread_oldest
-- The same, oldest first.
WITH of_thread AS MATERIALIZED (
    SELECT created_at, seq, id, body FROM runs WHERE thread_id = :value AND project = :project
)
SELECT created_at, seq, id, body FROM of_thread
WHERE (created_at, seq) > (:low_at, :low) AND (created_at, seq) < (:high_at, :high)
ORDER BY created_at ASC, seq ASC LIMIT :limit

-- name: model_newest
-- Runs of one model, newest first: those between two places, which are not among them.
SELECT created_at, seq, id, body FROM runs
WHERE project = :project
  AND model = :value
  AND (created_at, seq) > (:low_at, :low) AND (created_at, seq) < (:high_at, :high)
ORDER BY created_at DESC, seq DESC LIMIT :limit

-- name: model_oldest
-- The same, oldest first.
SELECT created_at, seq, id, body FROM runs
WHERE project = :project
  AND model = :value
  AND (created_at, seq) > (:low_at, :low) AND (created_at, seq) < (:high_at, :high)
ORDER BY created_at ASC, seq ASC LIMIT :limit

-- name: error_newest
-- Runs that failed with one code, newest first: those between two places, which are not among them.
SELECT created_at, seq, id, body FROM runs
WHERE project = :project
  AND error_code = :value
  AND (created_at, seq) > (:low_at, :low) AND (created_at, seq) < (:high_at, :high)
ORDER BY created_at DESC, seq DESC LIMIT :limit

-- name: error_oldest
-- The same, oldest first.
SELECT created_at, seq, id, body FROM runs
WHERE project = :project
  AND error_code = :value
  AND (created_at, seq) > (:low_at, :low) AND (created_at, seq) < (:high_at, :high)
ORDER BY created_at ASC, seq ASC LIMIT :limit
