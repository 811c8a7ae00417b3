-- The schema after all migrations, to be read. Written by tests/store/schema.py.

CREATE TABLE assistants (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX assistants_by_project ON assistants (project, seq);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    told_at INTEGER NOT NULL
);

CREATE INDEX events_by_age ON events (told_at);

CREATE INDEX events_by_run ON events (run_id, seq);

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

CREATE INDEX messages_by_run ON messages (run_id, seq);

CREATE INDEX messages_by_thread ON messages (thread_id, seq);

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

CREATE UNIQUE INDEX one_open_step_per_run ON run_steps (run_id) WHERE status = 'in_progress';

CREATE INDEX run_steps_by_run ON run_steps (run_id, seq);

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

CREATE INDEX active_runs ON runs (status, expires_at)
    WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling');

CREATE UNIQUE INDEX one_active_run_per_thread ON runs (thread_id)
    WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling');

CREATE INDEX runs_by_thread ON runs (thread_id, seq);

CREATE TABLE schema_migrations (name TEXT PRIMARY KEY);

CREATE TABLE threads (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE tombstones (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL
);

CREATE INDEX tombstones_by_age ON tombstones (deleted_at);

CREATE TABLE webhook_deliveries (
    id TEXT NOT NULL,
    webhook TEXT NOT NULL,
    run_id TEXT NOT NULL,
    event TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    -- the object that the event told; dropped once it is delivered
    data TEXT,
    status TEXT NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'delivered', 'given_up')),
    attempts INTEGER NOT NULL DEFAULT 0,
    -- when it is to be sent; while it is being sent, when another may try
    due_at REAL NOT NULL,
    ended_at INTEGER,
    last_error TEXT,
    PRIMARY KEY (id, webhook),
    -- it waits until it has ended
    CHECK ((status = 'waiting') = (ended_at IS NULL)),
    -- what is not delivered is still there to be looked at
    CHECK ((status = 'delivered') = (data IS NULL))
);

CREATE INDEX ended_deliveries ON webhook_deliveries (ended_at) WHERE ended_at IS NOT NULL;

CREATE INDEX waiting_deliveries ON webhook_deliveries (webhook, due_at) WHERE status = 'waiting';

CREATE TABLE webhooks (
    name TEXT NOT NULL,
    project TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (name, event)
);

CREATE INDEX webhooks_by_project ON webhooks (project, event);
