-- name: waiting^
-- The file that has waited longest in the first store behind another; kept from other writers
-- until the transaction ends.
SELECT seq, vector_store_id, file_id, filename, attempts, put_off, epoch, body
FROM vector_store_files
WHERE status = 'in_progress' AND lease_until IS NULL AND vector_store_id > :after
ORDER BY vector_store_id, seq LIMIT 1
FOR UPDATE SKIP LOCKED -- postgres

-- name: lapsed
-- Some files whose time has come: their worker let its lease run out, or they were kept from all
-- workers until then; kept from other writers until the transaction ends.
SELECT seq, owner, attempts, put_off FROM vector_store_files WHERE lease_until <= :now ORDER BY lease_until LIMIT :limit
FOR UPDATE SKIP LOCKED -- postgres

-- name: put_back!
-- Lets a file wait for a worker.
UPDATE vector_store_files SET owner = NULL, lease_until = NULL WHERE seq = :seq

-- name: claim!
-- Gives a file to a worker. The epoch grows, so that a worker that lost its lease and wakes up
-- again can write nothing.
UPDATE vector_store_files
SET owner = :owner, epoch = :epoch, lease_until = :lease_until, attempts = attempts + 1
WHERE seq = :seq

-- name: begin
-- Registers an attempt, before any chunk of it is written.
INSERT INTO ingestions (vector_store_id, file_id) VALUES (:vector_store_id, :file_id)
RETURNING id

-- name: drop!
-- Marks all attempts at a file of a store dropped: their chunks go.
UPDATE ingestions SET dropped = 1 WHERE vector_store_id = :vector_store_id AND file_id = :file_id

-- name: drop_of_store!
-- Marks all attempts at files of a store dropped.
UPDATE ingestions SET dropped = 1 WHERE vector_store_id = :vector_store_id AND dropped = 0

-- name: held^
-- The file, if the worker still holds it; kept from other writers until the transaction ends.
SELECT seq, file_id AS id, put_off, body FROM vector_store_files
WHERE seq = :seq AND epoch = :epoch AND owner = :owner AND status = 'in_progress'
FOR UPDATE -- postgres

-- name: renew!
-- Renews the lease of one file, if this worker still holds it and nobody else writes it just now.
UPDATE vector_store_files SET lease_until = :lease_until
WHERE seq = :seq AND epoch = :epoch AND owner = :owner AND status = 'in_progress'
  AND seq IN (SELECT seq FROM vector_store_files WHERE seq = :seq FOR UPDATE SKIP LOCKED) -- postgres

-- name: is_held^
-- A row if this worker still holds the file; waits for nobody who writes it.
SELECT 1 AS held FROM vector_store_files
WHERE seq = :seq AND epoch = :epoch AND owner = :owner AND status = 'in_progress'

-- name: put_off!
-- Keeps the file from all workers until then, since something else was away. `owner` is none of
-- them, so that nobody renews the lease.
UPDATE vector_store_files
SET owner = :owner, lease_until = :lease_until, put_off = put_off + 1 WHERE seq = :seq

-- name: rest!
-- Keeps the file from all workers until then, since an attempt broke off; as above.
UPDATE vector_store_files SET owner = :owner, lease_until = :lease_until WHERE seq = :seq

-- name: release!
-- Puts a file back, as if it had not been begun, if the worker still holds it.
UPDATE vector_store_files SET owner = NULL, lease_until = NULL, attempts = attempts - 1
WHERE seq = :seq AND epoch = :epoch AND owner = :owner AND status = 'in_progress'

-- name: resume!
-- Puts all files back that were put off, as if the last attempt had not been begun.
UPDATE vector_store_files
SET owner = NULL, lease_until = NULL, attempts = attempts - 1, put_off = put_off - 1
WHERE owner = :owner

-- name: held_by_workers
-- The files that any worker holds, for a server that is alone on its database. The owners named are
-- none.
SELECT seq, owner, attempts, put_off FROM vector_store_files
WHERE lease_until IS NOT NULL AND owner NOT IN (:put_off, :resting)

-- name: count^
-- How many attempts were dropped and are not removed yet.
SELECT COUNT(*) AS dropped FROM ingestions WHERE dropped = 1
