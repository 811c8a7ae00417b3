-- Vector stores, their files, batches of files, and the attempts at ingesting a file.
-- Counts, usage and the status of a store or batch are not kept: they are read from its files.

CREATE TABLE vector_stores (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    -- null: never
    expires_at BIGINT,
    last_active_at BIGINT NOT NULL,
    -- the model and the dimensions of all vectors in the store; null: it had no file yet
    embedding TEXT,
    body TEXT NOT NULL
);

CREATE INDEX vector_stores_by_project ON vector_stores (project, seq);

CREATE TABLE vector_store_files (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vector_store_id TEXT NOT NULL REFERENCES vector_stores (id) ON DELETE CASCADE,
    file_id TEXT NOT NULL,
    filename TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('in_progress', 'completed', 'cancelled', 'failed')),
    usage_bytes BIGINT NOT NULL DEFAULT 0,
    -- JSON: what filters look at
    attributes TEXT NOT NULL,
    -- the attempt whose chunks are found by searches; only a completed file has one
    ingestion BIGINT,
    -- how often a worker began on it, so that a file that kills its worker is given up
    attempts INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    epoch INTEGER NOT NULL DEFAULT 0,
    lease_until DOUBLE PRECISION,
    body TEXT NOT NULL,
    UNIQUE (vector_store_id, file_id),
    CHECK ((owner IS NULL) = (lease_until IS NULL)),
    CHECK (owner IS NULL OR status = 'in_progress'),
    CHECK ((status = 'completed') = (ingestion IS NOT NULL))
);

CREATE INDEX vector_store_files_by_store ON vector_store_files (vector_store_id, seq);
CREATE INDEX vector_store_files_by_status ON vector_store_files (vector_store_id, status);
CREATE INDEX vector_store_files_by_file ON vector_store_files (file_id);
-- what waits to be ingested, or is being
CREATE INDEX vector_store_files_at_work ON vector_store_files (lease_until, seq)
    WHERE status = 'in_progress';

CREATE TABLE file_batches (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    vector_store_id TEXT NOT NULL REFERENCES vector_stores (id) ON DELETE CASCADE,
    cancelled INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL
);

-- Which files a batch asked for. A file that left the store leaves its batches too.
CREATE TABLE file_batch_files (
    batch_id TEXT NOT NULL REFERENCES file_batches (id) ON DELETE CASCADE,
    file BIGINT NOT NULL REFERENCES vector_store_files (seq) ON DELETE CASCADE,
    PRIMARY KEY (batch_id, file)
);

CREATE INDEX file_batch_files_by_file ON file_batch_files (file);

-- An attempt at one file of one store; its chunks name it. Whatever ends an attempt marks it
-- dropped, in the transaction that ends it, and its chunks are then removed piece by piece: so
-- none is doubled or orphaned, whenever a worker dies.
CREATE TABLE ingestions (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    vector_store_id TEXT NOT NULL,
    file_id TEXT NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX ingestions_by_file ON ingestions (vector_store_id, file_id);
CREATE INDEX ingestions_dropped ON ingestions (id) WHERE dropped = 1;

-- Which assistants and threads list a file for code_interpreter, or have listed it.
CREATE TABLE file_uses (
    file_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (file_id, owner)
);
