-- name: extent^
-- The number of runs, and the time of the oldest event that is left.
SELECT (SELECT COUNT(*) FROM runs) AS runs, (SELECT MIN(told_at) FROM events) AS oldest

-- name: runs
-- A page of all runs, as they are stored.
SELECT seq, id, project, thread_id, status, expires_at, ended_at, owner, epoch, lease_until, imported,
    body
FROM runs WHERE seq > :after ORDER BY seq LIMIT :limit

-- name: steps
-- The steps of the runs of a page, oldest first.
SELECT id, project, thread_id, run_id, status, usage, extras, imported, body FROM run_steps
WHERE run_id IN (SELECT id FROM runs WHERE seq BETWEEN :first AND :last)
ORDER BY seq

-- name: messages
-- The messages that the runs of a page wrote, oldest first.
SELECT id, project, thread_id, run_id, role, status, imported, body FROM messages
WHERE run_id IN (SELECT id FROM runs WHERE seq BETWEEN :first AND :last)
ORDER BY seq

-- name: events
-- The events of the runs of a page, in order.
SELECT seq, 'event ' || seq || ' of ' || run_id AS id, run_id, name, data FROM events
WHERE run_id IN (SELECT id FROM runs WHERE seq BETWEEN :first AND :last)
ORDER BY seq

-- name: written_by_hand
-- A page of the messages that no run wrote.
SELECT seq, id, project, thread_id, run_id, role, status, imported, body FROM messages
WHERE run_id IS NULL AND seq > :after ORDER BY seq LIMIT :limit

-- name: assistants
-- A page of all assistants, as they are stored.
SELECT seq, id, body FROM assistants WHERE seq > :after ORDER BY seq LIMIT :limit

-- name: threads
-- A page of all threads, as they are stored.
SELECT seq, id, body FROM threads WHERE seq > :after ORDER BY seq LIMIT :limit

-- name: crowded_threads
-- Threads with more than one active run.
SELECT thread_id AS id, COUNT(*) AS runs FROM runs
WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling')
GROUP BY thread_id HAVING COUNT(*) > 1

-- name: orphans
-- Rows whose parent is not there; the run of an imported message need not be.
SELECT id, 'thread' AS lacks, thread_id AS missing FROM runs
WHERE NOT EXISTS (SELECT 1 FROM threads WHERE threads.id = runs.thread_id)
UNION ALL
SELECT id, 'thread', thread_id FROM messages
WHERE NOT EXISTS (SELECT 1 FROM threads WHERE threads.id = messages.thread_id)
UNION ALL
SELECT id, 'run', run_id FROM messages
WHERE run_id IS NOT NULL AND imported = 0
  AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = messages.run_id)
UNION ALL
SELECT id, 'run', run_id FROM run_steps
WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = run_steps.run_id)
LIMIT :limit

-- name: odd_servers
-- Servers that cannot be: without an address or a version, or with less than no run in hand.
SELECT id, address, version, runs FROM servers
WHERE address = '' OR version = '' OR runs < 0
LIMIT :limit

-- name: odd_sessions
-- Code sessions of no thread, of no server, or that ended before all time.
SELECT thread_id, server, until FROM sessions
WHERE thread_id NOT LIKE 'thread_%' OR server = '' OR until < 0
LIMIT :limit

-- name: odd_adjustments
-- Adjustments that cannot have been learnt: of no model server, of one with a password in its URL,
-- of no model, without a name, or at a negative time.
SELECT server, model, name, learnt_at FROM adjustments
WHERE server NOT LIKE 'http%' OR server LIKE '%@%' OR model = '' OR name = '' OR learnt_at < 0
LIMIT :limit
