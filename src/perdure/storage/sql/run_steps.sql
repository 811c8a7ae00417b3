-- name: insert!
-- Adds an open step to a run.
INSERT INTO run_steps (id, project, thread_id, run_id, status, body)
VALUES (:id, :project, :thread_id, :run_id, :status, :body)

-- name: get^
-- The step of this run and project.
SELECT seq, body FROM run_steps
WHERE id = :id AND run_id = :parent AND project = :project

-- name: update!
-- Replaces the body of an open step, and the usage of its model call. Lines of its trace are added.
UPDATE run_steps SET body = :body, usage = :usage,
    trace = CASE
        WHEN CAST(:trace AS TEXT) IS NULL OR LENGTH(trace) > :most_trace THEN trace
        ELSE COALESCE(trace, '') || :trace
    END
WHERE id = :id AND status = 'in_progress'

-- name: keep_extras!
-- Stores the extras that the model server needs back with an open step's tool calls.
UPDATE run_steps SET extras = :extras WHERE id = :id AND status = 'in_progress'

-- name: extras_of_run
-- The extras that model servers need back with the tool calls of a run's steps, oldest first.
SELECT id, extras FROM run_steps WHERE run_id = :run_id AND extras IS NOT NULL ORDER BY seq

-- name: move!
-- Moves a step to a new status if it still has the old one; changes no row otherwise. Lines of its
-- trace are added.
UPDATE run_steps SET status = :status, body = :body, usage = :usage,
    trace = CASE
        WHEN CAST(:trace AS TEXT) IS NULL OR LENGTH(trace) > :most_trace THEN trace
        ELSE COALESCE(trace, '') || :trace
    END
WHERE id = :id AND status = :was

-- name: open_of_run^
-- The run's open step with the usage noted so far; there is at most one (unique index).
SELECT body, usage FROM run_steps WHERE run_id = :run_id AND status = 'in_progress'

-- name: of_run
-- The steps of a run, oldest first.
SELECT body, usage FROM run_steps WHERE run_id = :run_id ORDER BY seq

-- name: newest_first
-- A page of the run's steps by descending order.
SELECT seq, id, body FROM run_steps
WHERE run_id = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (run_id, seq) < (:parent, :high) AND (run_id, seq) > (:parent, :low) -- postgres
  AND project = :project
ORDER BY run_id DESC, seq DESC LIMIT :limit

-- name: oldest_first
-- The same page by ascending order.
SELECT seq, id, body FROM run_steps
WHERE run_id = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (run_id, seq) < (:parent, :high) AND (run_id, seq) > (:parent, :low) -- postgres
  AND project = :project
ORDER BY run_id ASC, seq ASC LIMIT :limit

-- name: of_runs_before
-- The steps of the thread's newest `limit` runs, without this one; oldest first.
SELECT body FROM run_steps WHERE run_id IN (
    SELECT id FROM runs WHERE thread_id = :thread_id AND id <> :run_id
    ORDER BY thread_id DESC, seq DESC LIMIT :limit
) ORDER BY seq

-- name: traces_of_run
-- The steps of a run of this project with their traces, oldest first.
SELECT body, usage, trace FROM run_steps
WHERE run_id = :run_id AND project = :project ORDER BY seq

-- name: forget_traces!
-- Removes what is kept of the run's trace with its steps.
UPDATE run_steps SET trace = NULL WHERE run_id = :run_id AND trace IS NOT NULL
