-- The first schema: assistants, threads, messages, runs, run steps, events.
-- `body` is the object's JSON as the API answers it; the columns beside it are what the
-- database itself must know: order, owner, constraints, leases.

CREATE TABLE assistants (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX assistants_by_project ON assistants (project, seq);

CREATE TABLE threads (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    thread_id TEXT NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
    status TEXT NOT NULL CHECK (status IN (
        'queued', 'in_progress', 'requires_action', 'cancelling',
        'cancelled', 'failed', 'completed', 'incomplete', 'expired'
    )),
    expires_at INTEGER,
    ended_at INTEGER,
    owner TEXT,
    epoch INTEGER NOT NULL DEFAULT 0,
    lease_until REAL,
    body TEXT NOT NULL,
    -- terminal if and only if it has ended
    CHECK ((status IN ('queued', 'in_progress', 'requires_action', 'cancelling')) = (ended_at IS NULL)),
    -- an active run always has a time at which it expires
    CHECK (ended_at IS NOT NULL OR expires_at IS NOT NULL),
    -- a lease has an owner and an end, or is none
    CHECK ((owner IS NULL) = (lease_until IS NULL)),
    -- only work in progress, or being cancelled, is owned
    CHECK (owner IS NULL OR status IN ('in_progress', 'cancelling'))
);

CREATE INDEX runs_by_thread ON runs (thread_id, seq);
-- the thread lock (spec 03 §11)
CREATE UNIQUE INDEX one_active_run_per_thread ON runs (thread_id)
    WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling');
-- what the maintenance loop looks at
CREATE INDEX active_runs ON runs (status, expires_at)
    WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling');

CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    thread_id TEXT NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
    run_id TEXT,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    status TEXT NOT NULL CHECK (status IN ('in_progress', 'incomplete', 'completed')),
    body TEXT NOT NULL
);

CREATE INDEX messages_by_thread ON messages (thread_id, seq);
CREATE INDEX messages_by_run ON messages (run_id, seq);
CREATE UNIQUE INDEX one_open_message_per_run ON messages (run_id) WHERE status = 'in_progress';

CREATE TABLE run_steps (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    status TEXT NOT NULL CHECK (status IN (
        'in_progress', 'cancelled', 'failed', 'completed', 'expired'
    )),
    -- what the model call of the step used; the body shows it once the step has ended
    usage TEXT,
    body TEXT NOT NULL
);

CREATE INDEX run_steps_by_run ON run_steps (run_id, seq);
CREATE UNIQUE INDEX one_open_step_per_run ON run_steps (run_id) WHERE status = 'in_progress';

CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    told_at INTEGER NOT NULL
);

CREATE INDEX events_by_run ON events (run_id, seq);
CREATE INDEX events_by_age ON events (told_at);

-- Where a deleted object stood in its list, so that a program that deletes while it
-- iterates keeps its place (spec 02 §3).
CREATE TABLE tombstones (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL
);

CREATE INDEX tombstones_by_age ON tombstones (deleted_at);
