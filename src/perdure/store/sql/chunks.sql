-- name: store_of_ingestion^
-- The number of the store that an attempt belongs to, if the store is still there.
SELECT vector_stores.seq FROM ingestions
JOIN vector_stores ON vector_stores.id = ingestions.vector_store_id
WHERE ingestions.id = :ingestion AND ingestions.vector_store_id = :vector_store_id

-- name: written^
-- How many chunks of an attempt have been written so far.
SELECT COALESCE(MAX(first + chunks), 0) AS count FROM pieces WHERE ingestion = :ingestion

-- name: insert!
-- Adds a chunk.
INSERT INTO chunks (ingestion, position, start, tokens, text, vector)
VALUES (:ingestion, :position, :start, :tokens, :text, :vector)

-- name: insert_piece^
-- Adds a piece.
INSERT INTO pieces (ingestion, vector_store, first, chunks, words, signs)
VALUES (:ingestion, :vector_store, :first, :chunks, :words, :signs)
RETURNING id

-- name: insert_postings!
-- Adds the words of a piece: JSON arrays of a word, and of where its bytes are in `packed`, from 1
-- on, and how many. In one statement, for there are thousands.
INSERT INTO postings (vector_store, word, piece, chunks)
SELECT CAST(:vector_store AS BIGINT), word.value ->> 0, CAST(:piece AS BIGINT), -- postgres
    substring(CAST(:packed AS BYTEA) FROM CAST(word.value ->> 1 AS INTEGER) -- postgres
        FOR CAST(word.value ->> 2 AS INTEGER)) -- postgres
FROM json_array_elements(CAST(:words AS JSON)) AS word -- postgres
SELECT :vector_store, json_extract(word.value, '$[0]'), :piece, -- sqlite
    substr(:packed, json_extract(word.value, '$[1]'), json_extract(word.value, '$[2]')) -- sqlite
FROM json_each(:words) AS word -- sqlite

-- name: texts
-- A page of the chunks of an attempt, in order.
SELECT position, start, text FROM chunks
WHERE ingestion = :ingestion AND position >= :low
ORDER BY position LIMIT :limit

-- name: dropped^
-- An attempt that was dropped and is still there; kept from others until the transaction ends.
SELECT id FROM ingestions WHERE dropped = 1
ORDER BY id LIMIT 1
FOR UPDATE SKIP LOCKED -- postgres

-- name: drop_postings!
-- Removes some postings of an attempt.
DELETE FROM postings
WHERE (vector_store, word, piece) IN ( -- sqlite
    SELECT vector_store, word, piece FROM postings -- sqlite
WHERE ctid = ANY (ARRAY( -- postgres
    SELECT ctid FROM postings -- postgres
    WHERE piece IN (SELECT id FROM pieces WHERE ingestion = :ingestion) LIMIT :limit
) -- sqlite
)) -- postgres

-- name: drop_chunks!
-- Removes some chunks of an attempt.
DELETE FROM chunks
WHERE rowid IN (SELECT rowid FROM chunks WHERE ingestion = :ingestion LIMIT :limit) -- sqlite
WHERE ctid = ANY (ARRAY(SELECT ctid FROM chunks WHERE ingestion = :ingestion LIMIT :limit)) -- postgres

-- name: drop_pieces!
-- Removes the pieces of an attempt, after its postings.
DELETE FROM pieces WHERE ingestion = :ingestion

-- name: drop_ingestion!
-- Removes an attempt of which nothing is left.
DELETE FROM ingestions WHERE id = :ingestion
