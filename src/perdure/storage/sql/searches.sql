-- name: store^
-- The number of a vector store, and the model of its vectors.
SELECT seq, embedding FROM vector_stores WHERE id = :vector_store_id

-- name: segments
-- The segments of a vector store's index, with their numbers of chunks, and the rules and the
-- languages of their words.
SELECT id, chunks, rules, languages FROM segments WHERE vector_store = :vector_store AND dropped = 0 ORDER BY id

-- name: pieces^
-- The pieces that may be found in a vector store, as JSON arrays in the same order.
SELECT
    json_group_array(p.segment) AS segments, -- sqlite
    json_group_array(p.base) AS bases, -- sqlite
    json_group_array(p.ingestion) AS ingestions, -- sqlite
    json_group_array(p.first) AS firsts, -- sqlite
    json_group_array(p.chunks) AS chunks, -- sqlite
    CAST(json_agg(p.segment) AS TEXT) AS segments, -- postgres
    CAST(json_agg(p.base) AS TEXT) AS bases, -- postgres
    CAST(json_agg(p.ingestion) AS TEXT) AS ingestions, -- postgres
    CAST(json_agg(p.first) AS TEXT) AS firsts, -- postgres
    CAST(json_agg(p.chunks) AS TEXT) AS chunks, -- postgres
    CAST(SUM(p.words) AS BIGINT) AS words
FROM (
    SELECT pieces.segment, pieces.base, pieces.ingestion, pieces.first, pieces.chunks, pieces.words
    FROM vector_store_files
    JOIN pieces ON pieces.ingestion = vector_store_files.ingestion
    WHERE vector_store_files.vector_store_id = :vector_store_id
    ORDER BY pieces.segment, pieces.base
) AS p

-- name: sizes
-- The number of chunks that have a word, for some words and by segment of a vector store. Removed
-- chunks count as well.
-- Not summed up here: to group, SQLite would copy the postings themselves.
SELECT postings.word, postings.segment, length(postings.packed) / 4 AS chunks
FROM segments CROSS JOIN json_each(:words) AS asked CROSS JOIN postings -- sqlite
WHERE segments.vector_store = :vector_store AND segments.dropped = 0 -- sqlite
  AND postings.segment = segments.id AND postings.word = asked.value -- sqlite
FROM postings -- postgres
WHERE segment = ANY (ARRAY( -- postgres
    SELECT id FROM segments WHERE vector_store = :vector_store AND dropped = 0 -- postgres
)) AND word = ANY (ARRAY(SELECT json_array_elements_text(CAST(:words AS JSON)))) -- postgres

-- name: postings
-- The postings of some words in a vector store, by segment. Removed chunks are among them.
SELECT postings.word, postings.segment, postings.packed
-- CROSS JOIN: in this order, a look-up for each segment and word.
FROM segments CROSS JOIN json_each(:words) AS asked CROSS JOIN postings -- sqlite
WHERE segments.vector_store = :vector_store AND segments.dropped = 0 -- sqlite
  AND postings.segment = segments.id AND postings.word = asked.value -- sqlite
FROM postings -- postgres
WHERE segment = ANY (ARRAY( -- postgres
    SELECT id FROM segments WHERE vector_store = :vector_store AND dropped = 0 -- postgres
)) AND word = ANY (ARRAY(SELECT json_array_elements_text(CAST(:words AS JSON)))) -- postgres

-- name: attributes^
-- The attributes that filters compare, of the files that may be found in a vector store, as JSON
-- arrays in the same order; null without any.
SELECT
    json_group_array(ingestion) AS ingestions, -- sqlite
    '[' || group_concat(attributes, ',') || ']' AS attributes -- sqlite
    CAST(json_agg(ingestion) AS TEXT) AS ingestions, -- postgres
    '[' || string_agg(attributes, ',') || ']' AS attributes -- postgres
FROM vector_store_files
WHERE vector_store_id = :vector_store_id AND ingestion IS NOT NULL

-- name: signs
-- The signs of the vectors of the pieces in some segments, those of dropped ingestions as well.
SELECT segment, base, signs FROM pieces
WHERE signs IS NOT NULL
  AND segment IN (SELECT value FROM json_each(:segments)) -- sqlite
  AND segment = ANY (ARRAY( -- postgres
    SELECT CAST(json_array_elements_text(CAST(:segments AS JSON)) AS BIGINT) -- postgres
  )) -- postgres
ORDER BY segment, base

-- name: vectors
-- The vectors of some chunks, each named by its ingestion and its position.
SELECT chunks.ingestion, chunks.position, chunks.vector
FROM json_each(:found) AS found -- sqlite
JOIN chunks ON chunks.ingestion = json_extract(found.value, '$[0]') -- sqlite
    AND chunks.position = json_extract(found.value, '$[1]') -- sqlite
FROM json_array_elements(CAST(:found AS JSON)) AS found -- postgres
JOIN chunks ON chunks.ingestion = CAST(found.value ->> 0 AS BIGINT) -- postgres
    AND chunks.position = CAST(found.value ->> 1 AS INTEGER) -- postgres
WHERE chunks.vector IS NOT NULL

-- name: passages
-- Some chunks with the files that they are of.
SELECT chunks.ingestion, chunks.position, chunks.tokens, chunks.text,
    files.vector_store_id, files.file_id, files.filename, files.attributes
FROM json_each(:found) AS found -- sqlite
JOIN chunks ON chunks.ingestion = json_extract(found.value, '$[0]') -- sqlite
    AND chunks.position = json_extract(found.value, '$[1]') -- sqlite
FROM json_array_elements(CAST(:found AS JSON)) AS found -- postgres
JOIN chunks ON chunks.ingestion = CAST(found.value ->> 0 AS BIGINT) -- postgres
    AND chunks.position = CAST(found.value ->> 1 AS INTEGER) -- postgres
JOIN vector_store_files AS files ON files.ingestion = chunks.ingestion
