-- name: extent^
-- The numbers of vector stores and of files in them.
SELECT (SELECT COUNT(*) FROM vector_stores) AS vector_stores,
    (SELECT COUNT(*) FROM vector_store_files) AS files

-- name: stores
-- A page of all vector stores.
SELECT seq, id, project, expires_at, last_active_at, body FROM vector_stores
WHERE seq > :after ORDER BY seq LIMIT :limit

-- name: files
-- A page of all files in vector stores, with the vector store, the file and the ingestion that they
-- name. `attempts_at_it`: the number of its ingestions that are not dropped; `set_aside`: of those
-- from before it was read again; `dropped`: null where the ingestion is gone.
SELECT v.seq, v.vector_store_id, v.file_id, v.filename, v.status, v.usage_bytes, v.attributes,
    v.ingestion, v.attempts, v.owner, v.epoch, v.lease_until, v.body,
    stores.project AS project_of_store, stores.expires_at,
    files.project AS project_of_file, files.body AS file,
    (SELECT COUNT(*) FROM ingestions
        WHERE ingestions.vector_store_id = v.vector_store_id AND ingestions.file_id = v.file_id
            AND dropped = 0) AS attempts_at_it,
    (SELECT COUNT(*) FROM ingestions
        WHERE ingestions.vector_store_id = v.vector_store_id AND ingestions.file_id = v.file_id
            AND dropped = 2) AS set_aside,
    (SELECT dropped FROM ingestions
        WHERE id = v.ingestion AND ingestions.vector_store_id = v.vector_store_id
            AND ingestions.file_id = v.file_id) AS dropped
FROM vector_store_files AS v
LEFT JOIN vector_stores AS stores ON stores.id = v.vector_store_id
LEFT JOIN files ON files.id = v.file_id
WHERE v.seq > :after ORDER BY v.seq LIMIT :limit

-- name: half_expired
-- Vector stores with indexed files, and with completed ones that are not indexed: they expire as a
-- whole.
SELECT id FROM vector_stores
WHERE EXISTS (
    SELECT 1 FROM ingestions WHERE vector_store_id = vector_stores.id AND dropped = 0
) AND EXISTS (
    SELECT 1 FROM vector_store_files AS v
    WHERE v.vector_store_id = vector_stores.id AND v.ingestion IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM ingestions WHERE id = v.ingestion AND dropped = 0)
)
LIMIT :limit

-- name: batches
-- A page of all batches.
SELECT seq, id, vector_store_id, cancelled, body,
    EXISTS (SELECT 1 FROM vector_stores WHERE id = vector_store_id) AS has_store
FROM file_batches WHERE seq > :after ORDER BY seq LIMIT :limit

-- name: stray_links
-- Files of batches that are not in the batch's vector store.
SELECT batch_id AS id, file FROM file_batch_files
WHERE NOT EXISTS (
    SELECT 1 FROM file_batches
    JOIN vector_store_files ON vector_store_files.vector_store_id = file_batches.vector_store_id
    WHERE file_batches.id = batch_id AND vector_store_files.seq = file
)
LIMIT :limit

-- name: attempts
-- A page of all ingestions that are not dropped, with their files.
SELECT ingestions.id AS seq, ingestions.vector_store_id, ingestions.file_id, v.status, v.ingestion,
    v.usage_bytes, stores.seq AS store
FROM ingestions
LEFT JOIN vector_store_files AS v ON v.vector_store_id = ingestions.vector_store_id
    AND v.file_id = ingestions.file_id
LEFT JOIN vector_stores AS stores ON stores.id = ingestions.vector_store_id
WHERE dropped <> 1 AND ingestions.id > :after ORDER BY ingestions.id LIMIT :limit

-- name: chunks
-- Totals of the chunks of a page of ingestions; sizes in bytes.
SELECT ingestion, COUNT(*) AS chunks, MAX(position) AS last, COUNT(vector) AS vectors,
    MIN(length(vector)) AS shortest, MAX(length(vector)) AS longest,
    CAST(SUM(length(CAST(text AS BLOB))) AS BIGINT) AS size -- sqlite
    CAST(SUM(octet_length(text)) AS BIGINT) AS size -- postgres
FROM chunks WHERE ingestion BETWEEN :first AND :last
GROUP BY ingestion

-- name: pieces
-- The pieces of a page of ingestions, in order, and their places in the index.
SELECT pieces.id, ingestion, segment, base, first, pieces.chunks, length(signs) AS signs,
    segments.vector_store, segments.chunks AS room, segments.dropped
FROM pieces LEFT JOIN segments ON segments.id = segment
WHERE ingestion BETWEEN :first AND :last
ORDER BY ingestion, first

-- name: segments
-- A page of all segments that are not dropped.
SELECT id AS seq, chunks, live, rules FROM segments
WHERE dropped = 0 AND id > :after ORDER BY id LIMIT :limit

-- name: pieces_of_segment
-- The pieces of a segment, in order.
SELECT base, chunks, words FROM pieces WHERE segment = :segment ORDER BY base

-- name: strays
-- Rows of the index whose ingestion or segment is not there, or is dropped.
SELECT 'attempt' AS lacks, ingestion AS missing, 'chunks' AS has FROM (
    SELECT DISTINCT ingestion FROM chunks
) AS named
WHERE NOT EXISTS (SELECT 1 FROM ingestions WHERE id = ingestion)
UNION ALL
SELECT 'attempt', ingestion, 'pieces' FROM pieces
WHERE NOT EXISTS (SELECT 1 FROM ingestions WHERE id = ingestion)
UNION ALL
SELECT 'segment', segment, 'pieces' FROM pieces
WHERE NOT EXISTS (SELECT 1 FROM segments WHERE id = segment AND dropped = 0)
UNION ALL
SELECT 'segment', segment, 'postings' FROM (
    SELECT DISTINCT segment FROM postings
) AS indexed
WHERE NOT EXISTS (SELECT 1 FROM segments WHERE id = segment)
LIMIT :limit
