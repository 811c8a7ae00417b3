-- What searches look at: the chunks of files, and an inverted index of their words. The index is
-- ours and the same on every database, so that all rank alike (docs/file-search.md).

CREATE TABLE chunks (
    ingestion BIGINT NOT NULL REFERENCES ingestions (id),
    position INTEGER NOT NULL,
    -- where it starts in the text of its file, in characters: chunks overlap
    start BIGINT NOT NULL,
    tokens INTEGER NOT NULL,
    text TEXT NOT NULL,
    -- a unit vector of half floats; null where no embedding model was configured
    vector BYTEA,
    PRIMARY KEY (ingestion, position)
);

-- Chunks that were written together. A piece is never changed, so that writers never meet in a
-- row, and it goes as a whole.
CREATE TABLE pieces (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ingestion BIGINT NOT NULL REFERENCES ingestions (id),
    -- vector_stores.seq, whether the store is still there or not
    vector_store BIGINT NOT NULL,
    -- the position of its first chunk, how many there are, and how many words they have together
    first INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    words BIGINT NOT NULL,
    -- the signs of the chunks' vectors, one bit a dimension, one chunk after the other
    signs BYTEA
);

CREATE INDEX pieces_by_ingestion ON pieces (ingestion);

-- In which chunks of a piece a word stands, and how often: see retrieval/postings.py.
CREATE TABLE postings (
    vector_store BIGINT NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    piece BIGINT NOT NULL,
    chunks BYTEA NOT NULL,
    PRIMARY KEY (vector_store, word, piece)
);

CREATE INDEX postings_by_piece ON postings (piece);

-- Searches go from a store to the live attempts at its files, without reading the files.
CREATE INDEX vector_store_files_searched ON vector_store_files (vector_store_id, ingestion)
    WHERE ingestion IS NOT NULL;
-- And from an attempt to its file.
CREATE INDEX vector_store_files_by_ingestion ON vector_store_files (ingestion)
    WHERE ingestion IS NOT NULL;
