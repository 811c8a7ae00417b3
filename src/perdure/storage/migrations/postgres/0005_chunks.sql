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

-- A part of the index of one store: the words of up to some thousand chunks. It is written once;
-- small ones are merged into larger ones, so that searches look into few. Its chunks are
-- numbered from 0.
CREATE TABLE segments (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- vector_stores.seq, whether the store is still there or not
    vector_store BIGINT NOT NULL,
    -- how large it is, in powers of 8: those of one level are merged
    level INTEGER NOT NULL,
    -- how many chunks it has, and how many of them are not removed
    chunks INTEGER NOT NULL,
    live INTEGER NOT NULL,
    -- merged, or without live chunks: its postings go
    dropped INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX segments_by_store ON segments (vector_store, level) WHERE dropped = 0;
CREATE INDEX segments_thinned ON segments (id) WHERE dropped = 0 AND live < chunks;
CREATE INDEX segments_dropped ON segments (id) WHERE dropped = 1;

-- In which chunks of a segment a word stands, and how often: see retrieval/postings.py.
CREATE TABLE postings (
    segment BIGINT NOT NULL REFERENCES segments (id),
    word TEXT COLLATE "C" NOT NULL,
    packed BYTEA NOT NULL,
    PRIMARY KEY (segment, word)
);

-- Neighbouring chunks of a file that were written together.
CREATE TABLE pieces (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ingestion BIGINT NOT NULL REFERENCES ingestions (id),
    -- where it is in the index: the number of its first chunk there
    segment BIGINT NOT NULL REFERENCES segments (id),
    base INTEGER NOT NULL,
    -- the position of its first chunk, how many there are, and how many words they have together
    first INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    words BIGINT NOT NULL,
    -- the signs of the chunks' vectors, one bit a dimension, one chunk after the other
    signs BYTEA
);

CREATE INDEX pieces_by_ingestion ON pieces (ingestion);
CREATE INDEX pieces_by_segment ON pieces (segment);

-- Searches go from a store to the live attempts at its files, without reading the files.
CREATE INDEX vector_store_files_searched ON vector_store_files (vector_store_id, ingestion)
    WHERE ingestion IS NOT NULL;
-- And from an attempt to its file.
CREATE INDEX vector_store_files_by_ingestion ON vector_store_files (ingestion)
    WHERE ingestion IS NOT NULL;

-- Numbers that hardly get smaller by compression, and are read in haste.
ALTER TABLE chunks ALTER COLUMN vector SET STORAGE EXTERNAL;
ALTER TABLE pieces ALTER COLUMN signs SET STORAGE EXTERNAL;
ALTER TABLE postings ALTER COLUMN packed SET STORAGE EXTERNAL;
