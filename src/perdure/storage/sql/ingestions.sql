-- name: waiting^
-- The file that has waited longest in the first vector store behind another; kept from other
-- writers until the transaction ends.
SELECT seq, vector_store_id, file_id, filename, attempts, put_off, epoch, body
FROM vector_store_files
WHERE status = 'in_progress' AND lease_until IS NULL AND vector_store_id > :after
ORDER BY vector_store_id, seq LIMIT 1
FOR UPDATE SKIP LOCKED -- postgres

-- name: lapsed
-- Files whose lease is over: that of a worker, or one that kept them from all workers; kept from
-- other writers until the transaction ends.
SELECT seq, owner, attempts, put_off FROM vector_store_files WHERE lease_until <= :now ORDER BY lease_until LIMIT :limit
FOR UPDATE SKIP LOCKED -- postgres

-- name: put_back!
-- Puts a file back into the queue.
UPDATE vector_store_files SET owner = NULL, lease_until = NULL WHERE seq = :seq

-- name: claim!
-- Gives a file to a worker. The epoch grows, so that a worker that lost its lease and wakes up
-- again can write nothing.
UPDATE vector_store_files
SET owner = :owner, epoch = :epoch, lease_until = :lease_until, attempts = attempts + 1
WHERE seq = :seq

-- name: begin
-- Registers an ingestion, before any chunk of it is written.
INSERT INTO ingestions (vector_store_id, file_id) VALUES (:vector_store_id, :file_id)
RETURNING id

-- name: drop!
-- Marks all ingestions of a file into a vector store dropped (1): their chunks go.
UPDATE ingestions SET dropped = 1 WHERE vector_store_id = :vector_store_id AND file_id = :file_id

-- name: drop_begun!
-- Marks those dropped that are not set aside.
UPDATE ingestions SET dropped = 1
WHERE vector_store_id = :vector_store_id AND file_id = :file_id AND dropped = 0

-- name: set_aside!
-- Sets the ingestion of a file aside (2), which is read again: its chunks stay, and no search finds
-- them.
UPDATE ingestions SET dropped = 2
WHERE vector_store_id = :vector_store_id AND file_id = :file_id AND dropped = 0

-- name: restore
-- Makes the ingestion that was set aside, if there is one, one like others again.
UPDATE ingestions SET dropped = 0
WHERE vector_store_id = :vector_store_id AND file_id = :file_id AND dropped = 2
RETURNING id

-- name: drop_set_aside!
-- Marks the ingestion dropped that was set aside.
UPDATE ingestions SET dropped = 1
WHERE vector_store_id = :vector_store_id AND file_id = :file_id AND dropped = 2

-- name: drop_of_store!
-- Marks all ingestions into a vector store dropped.
UPDATE ingestions SET dropped = 1 WHERE vector_store_id = :vector_store_id AND dropped <> 1

-- name: held^
-- The file, if the worker still has its lease; kept from other writers until the transaction ends.
SELECT seq, file_id AS id, put_off, body FROM vector_store_files
WHERE seq = :seq AND epoch = :epoch AND owner = :owner AND status = 'in_progress'
FOR UPDATE -- postgres

-- name: renew!
-- Renews the lease of one file, if this worker still has it and no other writer has the row locked.
UPDATE vector_store_files SET lease_until = :lease_until
WHERE seq = :seq AND epoch = :epoch AND owner = :owner AND status = 'in_progress'
  AND seq IN (SELECT seq FROM vector_store_files WHERE seq = :seq FOR UPDATE SKIP LOCKED) -- postgres

-- name: is_held^
-- A row if this worker still has the lease of the file; waits for no other writer.
SELECT 1 AS held FROM vector_store_files
WHERE seq = :seq AND epoch = :epoch AND owner = :owner AND status = 'in_progress'

-- name: put_off!
-- Keeps the file from all workers until a time (backoff), since another service was unreachable.
-- `owner` is none of them, so that no worker renews the lease.
UPDATE vector_store_files
SET owner = :owner, lease_until = :lease_until, put_off = put_off + 1 WHERE seq = :seq

-- name: rest!
-- Keeps the file from all workers until a time, since its ingestion broke off; as above.
UPDATE vector_store_files SET owner = :owner, lease_until = :lease_until WHERE seq = :seq

-- name: release!
-- Puts a file back into the queue, as if it had not been begun, if the worker still has its lease.
UPDATE vector_store_files SET owner = NULL, lease_until = NULL, attempts = attempts - 1
WHERE seq = :seq AND epoch = :epoch AND owner = :owner AND status = 'in_progress'

-- name: resume!
-- Puts all files back into the queue that were put off, as if their last ingestion had not been
-- begun.
UPDATE vector_store_files
SET owner = NULL, lease_until = NULL, attempts = attempts - 1, put_off = put_off - 1
WHERE owner = :owner

-- name: held_by_workers
-- The files that any worker has a lease of, for a server that is alone on its database. The owners
-- named are no workers.
SELECT seq, owner, attempts, put_off FROM vector_store_files
WHERE lease_until IS NOT NULL AND owner NOT IN (:put_off, :resting)

-- name: count^
-- The number of ingestions that were dropped and are not removed yet.
SELECT COUNT(*) AS dropped FROM ingestions WHERE dropped = 1
