-- Where the bytes of a blob are: `database`, `folder:<id>`, or the URL of a bucket. Rows of earlier
-- versions, which go on writing beside this one, have none: who has the bytes says so.
ALTER TABLE blobs ADD COLUMN location TEXT NOT NULL DEFAULT '';

CREATE INDEX blobs_doomed_by_location ON blobs (location, id) WHERE state = 'doomed';
CREATE INDEX blobs_without_location ON blobs (location, id) WHERE state = 'kept' AND location = '';

-- The blob stores of all servers, and when a server last said that it has one. `path` is where it
-- is on its host; `own` is 1 where no other database can have anything there.
CREATE TABLE blob_locations (
    location TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    path TEXT NOT NULL,
    own INTEGER NOT NULL,
    seen_at BIGINT NOT NULL -- postgres
    seen_at INTEGER NOT NULL -- sqlite
);

-- Contents that are in the database, which only PostgreSQL has: blocks of one size, but for the
-- last. They go with the row, whoever deletes it.
CREATE TABLE blob_blocks (
    blob_id TEXT NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    bytes BYTEA NOT NULL, -- postgres
    bytes BLOB NOT NULL, -- sqlite
    PRIMARY KEY (blob_id, number)
);

-- Not compressed, so that a range is read without the rest of its block.
ALTER TABLE blob_blocks ALTER COLUMN bytes SET STORAGE EXTERNAL; -- postgres
