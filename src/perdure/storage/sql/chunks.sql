-- name: model^
-- The model of a vector store's vectors, and a flag for chunks that it has; kept from other writers
-- until the transaction ends.
SELECT embedding, EXISTS (
    SELECT 1 FROM segments WHERE segments.vector_store = vector_stores.seq AND dropped = 0
) AS has_chunks
FROM vector_stores WHERE id = :vector_store_id
FOR UPDATE -- postgres

-- name: note_model!
-- Notes the model of the vectors that a vector store will have.
UPDATE vector_stores SET embedding = :embedding WHERE id = :vector_store_id

-- name: store_of_ingestion^
-- The number and the model of the vector store that an ingestion belongs to, if it is still there.
SELECT vector_stores.seq, vector_stores.embedding FROM ingestions
JOIN vector_stores ON vector_stores.id = ingestions.vector_store_id
WHERE ingestions.id = :ingestion AND ingestions.vector_store_id = :vector_store_id
  AND ingestions.dropped = 0

-- name: written^
-- The number of chunks that an ingestion has written so far.
SELECT COALESCE(MAX(first + chunks), 0) AS count FROM pieces WHERE ingestion = :ingestion

-- name: insert!
-- Adds a chunk.
INSERT INTO chunks (ingestion, position, start, tokens, heading, text, vector)
VALUES (:ingestion, :position, :start, :tokens, :heading, :text, :vector)

-- name: insert_piece!
-- Adds a piece.
INSERT INTO pieces (ingestion, segment, base, first, chunks, words, signs)
VALUES (:ingestion, :segment, 0, :first, :chunks, :words, :signs)

-- name: texts
-- A page of the chunks of an ingestion, in order.
SELECT position, start, text FROM chunks
WHERE ingestion = :ingestion AND position >= :low
ORDER BY position LIMIT :limit

-- name: any_at^
-- A row if the ingestion has a chunk at this position.
SELECT 1 AS one FROM chunks WHERE ingestion = :ingestion AND position = :position

-- name: first
-- The chunks of an ingestion between two positions, which are not among them, the first ones first.
SELECT position, start, tokens, heading, text FROM chunks
WHERE ingestion = :ingestion AND position > :low AND position < :high
ORDER BY position ASC LIMIT :limit

-- name: last
-- The same, the last ones first.
SELECT position, start, tokens, heading, text FROM chunks
WHERE ingestion = :ingestion AND position > :low AND position < :high
ORDER BY position DESC LIMIT :limit

-- name: dropped^
-- An ingestion that was dropped and is still there; kept from others until the transaction ends.
SELECT id FROM ingestions WHERE dropped = 1
ORDER BY id LIMIT 1
FOR UPDATE SKIP LOCKED -- postgres

-- name: drop_chunks!
-- Removes some chunks of an ingestion.
DELETE FROM chunks
WHERE rowid IN (SELECT rowid FROM chunks WHERE ingestion = :ingestion LIMIT :limit) -- sqlite
WHERE ctid = ANY (ARRAY(SELECT ctid FROM chunks WHERE ingestion = :ingestion LIMIT :limit)) -- postgres

-- name: drop_pieces
-- Removes the pieces of an ingestion; returns the number of chunks that the segments lose.
DELETE FROM pieces WHERE ingestion = :ingestion RETURNING segment, chunks

-- name: drop_ingestion!
-- Removes an ingestion that has no rows left.
DELETE FROM ingestions WHERE id = :ingestion

-- name: counts^
-- The size of the index, in rows.
SELECT (SELECT COUNT(*) FROM chunks) AS chunks,
    (SELECT COUNT(*) FROM pieces) AS pieces,
    (SELECT COUNT(*) FROM segments) AS segments,
    (SELECT COUNT(*) FROM postings) AS postings,
    (SELECT COUNT(*) FROM ingestions) AS ingestions
