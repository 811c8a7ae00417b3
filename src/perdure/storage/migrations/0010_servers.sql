-- The servers of the database, each with a sign of life.
CREATE TABLE servers (
    id TEXT PRIMARY KEY,
    -- where it listens
    address TEXT NOT NULL,
    version TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('all', 'api', 'worker')),
    started_at REAL NOT NULL, -- sqlite
    started_at DOUBLE PRECISION NOT NULL, -- postgres
    seen_at REAL NOT NULL, -- sqlite
    seen_at DOUBLE PRECISION NOT NULL, -- postgres
    -- how many it works on
    runs INTEGER NOT NULL -- sqlite
    runs BIGINT NOT NULL -- postgres
);

-- Which server has the session of the code interpreter in which a thread's code has run. It is no
-- more than a hint: the server is asked first, and not for long.
CREATE TABLE sessions (
    thread_id TEXT PRIMARY KEY,
    server TEXT NOT NULL,
    until REAL NOT NULL -- sqlite
    until DOUBLE PRECISION NOT NULL -- postgres
);

CREATE INDEX sessions_by_server ON sessions (server);

-- When the run was put into the queue, in Unix seconds; an older version does not say it.
ALTER TABLE runs ADD COLUMN queued_at REAL NOT NULL DEFAULT 0; -- sqlite
ALTER TABLE runs ADD COLUMN queued_at DOUBLE PRECISION NOT NULL DEFAULT 0; -- postgres
-- What workers claim: the oldest of each project.
CREATE INDEX queued_runs ON runs (project, seq) WHERE status = 'queued';
