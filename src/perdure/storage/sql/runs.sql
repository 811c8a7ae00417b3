-- name: insert!
-- Adds a queued run, unless the thread already has an active one (the thread lock): then no
-- row is added.
INSERT INTO runs (
    id, project, key_id, thread_id, status, expires_at, queued_at, created_at, assistant_id, model,
    traceparent, asked_at, body
)
VALUES (
    :id, :project, :key_id, :thread_id, :status, :expires_at, :queued_at, :created_at,
    :assistant_id, :model, :traceparent, :asked_at, :body
)
ON CONFLICT (thread_id)
    WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling')
    DO NOTHING

-- name: get^
-- The run of this thread and project.
SELECT seq, status, expires_at, body FROM runs
WHERE id = :id AND thread_id = :parent AND project = :project

-- name: find^
-- The run of this project.
SELECT body FROM runs WHERE id = :id AND project = :project

-- name: lock^
-- The run, kept from other writers until the transaction ends.
SELECT id, project, key_id, owner, epoch, lease_until, queued_at, traceparent, asked_at, body
FROM runs
WHERE id = :id
FOR UPDATE -- postgres

-- name: move!
-- Moves a run to a new status if it still has the old one and the old epoch; changes no row
-- otherwise. The epoch grows with each claim, so that a worker that lost its lease and wakes
-- up again can write nothing. Lines of its trace are added to those that are there, as long as
-- these are not more than so many characters.
UPDATE runs
SET status = :status, body = :body, expires_at = :expires_at, ended_at = :ended_at,
    owner = :owner, epoch = :epoch, lease_until = :lease_until,
    queued_at = COALESCE(:queued_at, queued_at), error_code = :error_code,
    trace = CASE
        WHEN CAST(:trace AS TEXT) IS NULL OR LENGTH(trace) > :most_trace THEN trace
        ELSE COALESCE(trace, '') || :trace
    END
WHERE id = :id AND status = :was AND epoch = :was_epoch

-- name: update!
-- Replaces the run's body; its status stays.
UPDATE runs SET body = :body WHERE id = :id AND project = :project

-- name: held^
-- The status of the run, if the worker still has its lease; locked until the transaction ends.
SELECT status FROM runs
WHERE id = :id AND epoch = :epoch AND owner = :owner
FOR UPDATE -- postgres

-- name: active_of_thread^
-- The run that holds the thread lock, if any.
SELECT id, expires_at FROM runs
WHERE thread_id = :thread_id
  AND status IN ('queued', 'in_progress', 'requires_action', 'cancelling')

-- name: renew!
-- Renews the lease of one run, if this worker still has it and no other writer has the row locked.
UPDATE runs SET lease_until = :lease_until WHERE id = :id AND epoch = :epoch AND owner = :owner
  AND id IN (SELECT id FROM runs WHERE id = :id FOR UPDATE SKIP LOCKED) -- postgres

-- name: is_held^
-- A row if this worker still has the lease of the run; waits for no other writer.
SELECT 1 AS held FROM runs WHERE id = :id AND epoch = :epoch AND owner = :owner

-- name: goes_on^
-- Who works on a run that is neither cancelled nor past its time.
SELECT owner, epoch FROM runs WHERE id = :id AND status = 'in_progress' AND expires_at > :now

-- name: interrupted_of_owner
-- The runs of a worker that it must look at again: cancelled, or past their time. Here and below
-- the condition that they are active is redundant: with it SQLite finds the index.
SELECT id FROM runs
WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling')
  AND owner = :owner
  AND (status = 'cancelling' OR (status = 'in_progress' AND expires_at <= :now))

-- name: due
-- Active runs past their time that no living worker has a lease of.
SELECT id FROM runs
WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling')
  AND expires_at <= :now
  AND (owner IS NULL OR lease_until <= :now)
ORDER BY seq LIMIT :limit

-- name: lapsed
-- Runs whose worker's lease ran out, longest ago first.
SELECT id FROM runs
WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling')
  AND status IN ('in_progress', 'cancelling') AND lease_until <= :now
ORDER BY lease_until LIMIT :limit

-- name: owned
-- Runs that any worker has a lease of.
SELECT id FROM runs
WHERE status IN ('in_progress', 'cancelling') AND owner IS NOT NULL
ORDER BY seq LIMIT :limit

-- name: waiting^
-- The run that has waited longest in the first project behind another, kept from other writers
-- until the transaction ends; those that somebody else writes just now are passed over, and those
-- that are to be skipped. One whose thread has its code session with another living server is left
-- to that one for a while after it was queued.
SELECT id, project FROM runs
WHERE status = 'queued' AND project > :after
  AND id NOT IN (SELECT value FROM json_each(:skipped)) -- sqlite
  AND id NOT IN (SELECT json_array_elements_text(CAST(:skipped AS json))) -- postgres
  AND NOT (
    queued_at > :kept_since AND body LIKE '%"code_interpreter"%'
    AND EXISTS (
      SELECT 1 FROM sessions JOIN servers ON servers.id = sessions.server
      WHERE sessions.thread_id = runs.thread_id AND sessions.server <> :owner
        AND sessions.until > :now AND servers.seen_at > :alive_since
    )
  )
ORDER BY project, seq LIMIT 1
FOR UPDATE OF runs SKIP LOCKED -- postgres

-- name: of_archived
-- Active runs of archived projects that were not cancelled yet.
SELECT runs.id FROM runs JOIN projects ON projects.id = runs.project
WHERE projects.archived_at IS NOT NULL
  AND runs.status IN ('queued', 'in_progress', 'requires_action', 'cancelling')
  AND runs.status <> 'cancelling'
ORDER BY runs.seq LIMIT :limit

-- name: queued
-- Runs that wait for a worker, oldest first.
SELECT id FROM runs
WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling')
  AND status = 'queued'
ORDER BY seq LIMIT :limit

-- name: queue_length^
-- The number of runs that wait for a worker; no more are counted than the limit.
SELECT COUNT(*) AS waiting FROM (
    SELECT 1 FROM runs
    WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling')
      AND status = 'queued'
    LIMIT :limit
) AS counted

-- name: newest_first
-- A page of the thread's runs by descending order. The project is compared so that no index of it is
-- taken.
SELECT seq, id, body FROM runs
WHERE thread_id = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (thread_id, seq) < (:parent, :high) AND (thread_id, seq) > (:parent, :low) -- postgres
  AND +project = :project -- sqlite
  AND project || '' = :project -- postgres
ORDER BY thread_id DESC, seq DESC LIMIT :limit

-- name: oldest_first
-- The same page by ascending order.
SELECT seq, id, body FROM runs
WHERE thread_id = :parent AND seq < :high AND seq > :low -- sqlite
WHERE (thread_id, seq) < (:parent, :high) AND (thread_id, seq) > (:parent, :low) -- postgres
  AND +project = :project -- sqlite
  AND project || '' = :project -- postgres
ORDER BY thread_id ASC, seq ASC LIMIT :limit

-- name: trace^
-- The run of this thread and project, with what is kept of its trace with the run itself.
SELECT body, trace FROM runs
WHERE id = :id AND thread_id = :parent AND project = :project

-- name: traced_before
-- Runs that ended before a time and have a trace, those that ended first first.
SELECT id FROM runs
WHERE trace IS NOT NULL AND ended_at IS NOT NULL AND ended_at < :before
ORDER BY ended_at LIMIT :limit

-- name: forget_trace!
-- Removes what is kept of the run's trace with the run itself.
UPDATE runs SET trace = NULL WHERE id = :id

-- name: figures
-- For each status of runs that have not ended: how many there are, and since when the oldest waits.
-- Of more runs than the limit, some are left out.
SELECT status, COUNT(*) AS runs, MIN(queued_at) AS since FROM (
    SELECT status, queued_at FROM runs
    WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling')
    LIMIT :limit
) AS counted
GROUP BY status
