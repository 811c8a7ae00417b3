-- What searches look at: the chunks of files, and an inverted index of their words. The index is
-- ours and the same on every database, so that all rank alike (docs/file-search.md).

CREATE TABLE chunks (
    ingestion INTEGER NOT NULL REFERENCES ingestions (id),
    position INTEGER NOT NULL,
    -- where it starts in the text of its file, in characters: chunks overlap
    start INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    text TEXT NOT NULL,
    -- a unit vector of half floats; null where no embedding model was configured
    vector BLOB,
    PRIMARY KEY (ingestion, position)
);

-- Chunks that were written together. A piece is never changed, so that writers never meet in a
-- row, and it goes as a whole.
CREATE TABLE pieces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ingestion INTEGER NOT NULL REFERENCES ingestions (id),
    -- vector_stores.seq, whether the store is still there or not
    vector_store INTEGER NOT NULL,
    -- the position of its first chunk, how many there are, and how many words they have together
    first INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    words INTEGER NOT NULL,
    -- the signs of the chunks' vectors, one bit a dimension, one chunk after the other
    signs BLOB
);

CREATE INDEX pieces_by_ingestion ON pieces (ingestion);

-- In which chunks of a piece a word stands, and how often: see retrieval/postings.py.
CREATE TABLE postings (
    vector_store INTEGER NOT NULL,
    word TEXT NOT NULL,
    piece INTEGER NOT NULL,
    chunks BLOB NOT NULL,
    PRIMARY KEY (vector_store, word, piece)
) WITHOUT ROWID;

CREATE INDEX postings_by_piece ON postings (piece);

-- Searches go from a store to the live attempts at its files, without reading the files.
CREATE INDEX vector_store_files_searched ON vector_store_files (vector_store_id, ingestion)
    WHERE ingestion IS NOT NULL;
-- And from an attempt to its file.
CREATE INDEX vector_store_files_by_ingestion ON vector_store_files (ingestion)
    WHERE ingestion IS NOT NULL;
