-- name: put!
-- Writes a block; the same again after a connection broke changes nothing. Only the last one waits
-- for the disk, and all that came before it is there then too. Fails where the blob's row is gone.
INSERT INTO blob_blocks (blob_id, number, bytes)
SELECT :blob_id, :number, :bytes
WHERE :is_last IS NOT NULL -- sqlite
FROM set_config('synchronous_commit', CASE WHEN :is_last THEN current_setting('synchronous_commit') ELSE 'off' END, true) -- postgres
ON CONFLICT (blob_id, number) DO UPDATE SET bytes = excluded.bytes

-- name: get^
-- A range of a block, counted from 1; less, if the block has less.
SELECT substr(bytes, :start, :count) AS bytes FROM blob_blocks
WHERE blob_id = :blob_id AND number = :number

-- name: size^
-- The bytes of a blob that are there; null without any.
SELECT CAST(SUM(length(bytes)) AS BIGINT) AS bytes FROM blob_blocks WHERE blob_id = :blob_id

-- name: page
-- A page of the blobs that have blocks, with their sizes.
SELECT blob_id, CAST(SUM(length(bytes)) AS BIGINT) AS bytes FROM blob_blocks
WHERE blob_id > :after GROUP BY blob_id ORDER BY blob_id LIMIT :limit

-- name: delete!
-- Deletes some blocks of a blob: all at once could take long, and would have to be done again.
DELETE FROM blob_blocks WHERE blob_id = :blob_id AND number IN (
    SELECT number FROM blob_blocks WHERE blob_id = :blob_id ORDER BY number LIMIT :limit
)
