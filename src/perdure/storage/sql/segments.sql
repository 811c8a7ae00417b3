-- name: insert^
-- Adds a segment.
INSERT INTO segments (vector_store, level, chunks, live, rules, stemmer, languages)
VALUES (:vector_store, :level, :chunks, :live, :rules, :stemmer, :languages)
RETURNING id

-- name: insert_postings!
-- Adds the words of a segment: JSON arrays of a word, the place of its bytes in `packed`, from 1
-- on, and their number. It is one statement, for there are thousands.
INSERT INTO postings (segment, word, packed)
SELECT CAST(:segment AS BIGINT), word.value ->> 0, -- postgres
    substring(CAST(:packed AS BYTEA) FROM CAST(word.value ->> 1 AS INTEGER) -- postgres
        FOR CAST(word.value ->> 2 AS INTEGER)) -- postgres
FROM json_array_elements(CAST(:words AS JSON)) AS word -- postgres
SELECT :segment, json_extract(word.value, '$[0]'), -- sqlite
    substr(:packed, json_extract(word.value, '$[1]'), json_extract(word.value, '$[2]')) -- sqlite
FROM json_each(:words) AS word -- sqlite

-- name: thin!
-- Notes that chunks of a segment were removed; without any left it is dropped.
UPDATE segments SET live = live - :chunks, dropped = CASE WHEN live > :chunks THEN 0 ELSE 1 END
WHERE id = :segment

-- name: alike
-- A vector store that has many segments of one level, which should be merged.
SELECT vector_store, level FROM segments
WHERE dropped = 0 AND level < :final AND rules = :rules AND stemmer = :stemmer
GROUP BY vector_store, level HAVING COUNT(*) >= :many LIMIT 1

-- name: of_level
-- Segments of one level of a vector store, the oldest first.
SELECT id, chunks, languages FROM segments
WHERE vector_store = :vector_store AND level = :level AND dropped = 0
  AND rules = :rules AND stemmer = :stemmer
ORDER BY id LIMIT :limit

-- name: thinned
-- A segment that should be written anew because one `parts`-th of it is removed.
SELECT id, vector_store, chunks, languages FROM segments
WHERE dropped = 0 AND live < chunks AND (chunks - live) * :parts >= chunks
  AND rules = :rules AND stemmer = :stemmer
ORDER BY id LIMIT 1

-- name: pieces
-- The pieces of a segment.
SELECT id, base, chunks FROM pieces WHERE segment = :segment ORDER BY base

-- name: postings
-- All postings of a segment.
SELECT word, packed FROM postings WHERE segment = :segment

-- name: lock^
-- A segment, kept from other writers until the transaction ends.
SELECT id FROM segments WHERE id = :segment AND dropped = 0
FOR UPDATE -- postgres

-- name: move_piece^
-- Gives a piece its place in a new segment, if it is still there.
UPDATE pieces SET segment = :segment, base = :base WHERE id = :id
RETURNING chunks

-- name: drop!
-- Marks a segment dropped, when its pieces are in another.
UPDATE segments SET dropped = 1 WHERE id = :segment

-- name: dropped^
-- A segment that was dropped and is still there; kept from others until the transaction ends.
SELECT id FROM segments WHERE dropped = 1
ORDER BY id LIMIT 1
FOR UPDATE SKIP LOCKED -- postgres

-- name: drop_postings!
-- Removes some postings of a segment.
DELETE FROM postings
WHERE segment = :segment AND word IN (SELECT word FROM postings WHERE segment = :segment LIMIT :limit) -- sqlite
WHERE ctid = ANY (ARRAY(SELECT ctid FROM postings WHERE segment = :segment LIMIT :limit)) -- postgres

-- name: delete!
-- Removes a segment that has no postings left.
DELETE FROM segments WHERE id = :segment

-- name: outdated^
-- A segment of earlier rules, or of an earlier stemmer, and its number of live chunks.
SELECT id, vector_store, live FROM segments
WHERE dropped = 0 AND (rules < :rules OR (rules = :rules AND stemmer < :stemmer))
ORDER BY rules, stemmer, id LIMIT 1

-- name: lease_renewal!
-- Lets this server renew segments for a while, unless another one does.
INSERT INTO index_renewal (id, lease_until) VALUES (1, :until)
ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until
WHERE index_renewal.lease_until <= :now

-- name: release_renewal!
-- Ends that.
UPDATE index_renewal SET lease_until = 0 WHERE id = 1 AND lease_until = :until

-- name: renewed_pieces
-- The first pieces of a segment, with the names of their files; null where the file is gone.
SELECT pieces.id, pieces.ingestion, pieces.first, pieces.chunks, files.filename FROM pieces
JOIN ingestions ON ingestions.id = pieces.ingestion
LEFT JOIN vector_store_files AS files ON files.vector_store_id = ingestions.vector_store_id
    AND files.file_id = ingestions.file_id
WHERE pieces.segment = :segment ORDER BY pieces.base LIMIT :limit

-- name: texts_of_piece
-- The chunks of a piece, in order.
SELECT position, heading, text FROM chunks
WHERE ingestion = :ingestion AND position >= :low AND position < :high ORDER BY position

-- name: renew_piece^
-- Gives a piece its place in a new segment, and the number of its words, if it is still in the old
-- one.
UPDATE pieces SET segment = :segment, base = :base, words = :words WHERE id = :id AND segment = :was
RETURNING chunks
