-- Files, uploads, and where their contents are.

CREATE TABLE files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    purpose TEXT NOT NULL,
    expires_at INTEGER,
    body TEXT NOT NULL
);

CREATE INDEX files_by_project ON files (project, seq);
CREATE INDEX files_that_expire ON files (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE uploads (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'completed', 'cancelled', 'expired')),
    expires_at INTEGER NOT NULL,
    -- seconds that the file will live, if not for ever
    file_lifetime INTEGER,
    body TEXT NOT NULL
);

CREATE INDEX uploads_by_status ON uploads (status, expires_at);

CREATE TABLE upload_parts (
    id TEXT PRIMARY KEY,
    upload_id TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE
);

CREATE INDEX upload_parts_by_upload ON upload_parts (upload_id);

-- A blob is a piece of content in the blob store. Its row is there before its bytes are, and
-- goes after they went, so that no bytes are ever unknown.
CREATE TABLE blobs (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('writing', 'kept', 'doomed')),
    -- the file or the part of an upload that it belongs to, and its place among the owner's
    owner TEXT,
    place INTEGER,
    bytes INTEGER,
    -- when its writer is given up for dead
    lease_until REAL,
    -- only what is being written has a writer
    CHECK ((state = 'writing') = (lease_until IS NOT NULL)),
    -- only what is kept has an owner, and is known in full
    CHECK ((state = 'kept') = (owner IS NOT NULL)),
    CHECK ((owner IS NULL) = (place IS NULL)),
    CHECK ((owner IS NULL) = (bytes IS NULL))
);

CREATE UNIQUE INDEX blobs_by_owner ON blobs (owner, place) WHERE owner IS NOT NULL;
CREATE INDEX blobs_to_sweep ON blobs (state, lease_until) WHERE state <> 'kept';
