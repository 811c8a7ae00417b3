-- The schema after all migrations, to be read. Written by tests/storage/schema.py.

CREATE TABLE adjustments (
    -- its base URL, without a password
    server TEXT NOT NULL,
    model TEXT NOT NULL,
    name TEXT NOT NULL,
    learnt_at INTEGER NOT NULL,
    PRIMARY KEY (server, model, name)
);

CREATE INDEX adjustments_by_time ON adjustments (learnt_at);

CREATE TABLE api_key_changes (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    changes INTEGER NOT NULL
);

CREATE TABLE api_keys (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('admin', 'project')),
    project TEXT REFERENCES projects (id),
    service_account TEXT REFERENCES service_accounts (id),
    hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    redacted_value TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- the beginning of the minute
    last_used_at INTEGER,
    expires_at INTEGER,
    deleted_at INTEGER,
    CHECK ((kind = 'admin') = (project IS NULL)),
    CHECK ((project IS NULL) = (service_account IS NULL))
);

CREATE INDEX api_keys_by_account ON api_keys (service_account);

CREATE INDEX api_keys_by_project ON api_keys (project, seq);

CREATE TABLE assistants (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    body TEXT NOT NULL
, unsupported_tools TEXT);

CREATE INDEX assistants_by_project ON assistants (project, seq);

CREATE TABLE audit_logs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    effective_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    project TEXT NOT NULL,
    target TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE backups (
    id TEXT PRIMARY KEY,
    lease_until REAL NOT NULL
);

CREATE TABLE blob_blocks (
    blob_id TEXT NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (blob_id, number)
);

CREATE TABLE blob_locations (
    location TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    path TEXT NOT NULL,
    own INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
);

CREATE TABLE blobs (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('writing', 'kept', 'doomed')),
    -- the file or the part of an upload that it belongs to, and its place among the owner's
    owner TEXT,
    place INTEGER,
    bytes INTEGER,
    -- when its writer is given up for dead
    lease_until REAL, location TEXT NOT NULL DEFAULT '',
    -- only what is being written has a writer
    CHECK ((state = 'writing') = (lease_until IS NOT NULL)),
    -- only what is kept has an owner, and is known in full
    CHECK ((state = 'kept') = (owner IS NOT NULL)),
    CHECK ((owner IS NULL) = (place IS NULL)),
    CHECK ((owner IS NULL) = (bytes IS NULL))
);

CREATE UNIQUE INDEX blobs_by_owner ON blobs (owner, place) WHERE owner IS NOT NULL;

CREATE INDEX blobs_doomed ON blobs (id) WHERE state = 'doomed';

CREATE INDEX blobs_doomed_by_location ON blobs (location, id) WHERE state = 'doomed';

CREATE INDEX blobs_to_sweep ON blobs (state, lease_until) WHERE state <> 'kept';

CREATE INDEX blobs_without_location ON blobs (location, id) WHERE state = 'kept' AND location = '';

CREATE TABLE chunks (
    ingestion INTEGER NOT NULL REFERENCES ingestions (id),
    position INTEGER NOT NULL,
    -- where it starts in the text of its file, in characters: chunks overlap
    start INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    text TEXT NOT NULL,
    -- a unit vector of half floats; null where no embedding model was configured
    vector BLOB, heading INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (ingestion, position)
);

CREATE TABLE dashboard_sessions (
    hash TEXT PRIMARY KEY,
    key_id TEXT REFERENCES api_keys (id),
    settings_key TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CHECK ((key_id IS NULL) <> (settings_key IS NULL))
);

CREATE INDEX dashboard_sessions_by_expiry ON dashboard_sessions (expires_at);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    told_at INTEGER NOT NULL
);

CREATE INDEX events_by_age ON events (told_at);

CREATE INDEX events_by_run ON events (run_id, seq);

CREATE TABLE file_batch_files (
    batch_id TEXT NOT NULL REFERENCES file_batches (id) ON DELETE CASCADE,
    file INTEGER NOT NULL REFERENCES vector_store_files (seq) ON DELETE CASCADE,
    PRIMARY KEY (batch_id, file)
);

CREATE INDEX file_batch_files_by_file ON file_batch_files (file);

CREATE TABLE file_batches (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    vector_store_id TEXT NOT NULL REFERENCES vector_stores (id) ON DELETE CASCADE,
    cancelled INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL
);

CREATE TABLE file_uses (
    file_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (file_id, owner)
);

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

CREATE TABLE imports (
    digest TEXT PRIMARY KEY,
    keeps_seq INTEGER NOT NULL,
    begun_at INTEGER NOT NULL
);

CREATE TABLE index_renewal (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    lease_until REAL NOT NULL
);

CREATE TABLE ingestions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    vector_store_id TEXT NOT NULL,
    file_id TEXT NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX ingestions_by_file ON ingestions (vector_store_id, file_id);

CREATE INDEX ingestions_dropped ON ingestions (id) WHERE dropped = 1;

CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    thread_id TEXT NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
    run_id TEXT,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    status TEXT NOT NULL CHECK (status IN ('in_progress', 'incomplete', 'completed')),
    body TEXT NOT NULL
, imported INTEGER NOT NULL DEFAULT 0);

CREATE INDEX messages_by_run ON messages (run_id, seq);

CREATE INDEX messages_by_thread ON messages (thread_id, seq);

CREATE UNIQUE INDEX one_open_message_per_run ON messages (run_id) WHERE status = 'in_progress';

CREATE TABLE pieces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ingestion INTEGER NOT NULL REFERENCES ingestions (id),
    -- where it is in the index: the number of its first chunk there
    segment INTEGER NOT NULL REFERENCES segments (id),
    base INTEGER NOT NULL,
    -- the position of its first chunk, how many there are, and how many words they have together
    first INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    words INTEGER NOT NULL,
    -- the signs of the chunks' vectors, one bit a dimension, one chunk after the other
    signs BLOB
);

CREATE INDEX pieces_by_ingestion ON pieces (ingestion);

CREATE INDEX pieces_by_segment ON pieces (segment);

CREATE TABLE postings (
    segment INTEGER NOT NULL REFERENCES segments (id),
    word TEXT NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (segment, word)
) WITHOUT ROWID;

CREATE TABLE project_limits (
    project TEXT PRIMARY KEY,
    active_runs INTEGER,
    file_bytes INTEGER,
    -- US cents in a calendar month of UTC
    monthly_cents INTEGER,
    -- whether the listed models, a JSON array, are the only ones or the refused ones
    models_mode TEXT CHECK (models_mode IN ('allow_list', 'deny_list')),
    models TEXT
);

CREATE TABLE projects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    archived_at INTEGER,
    CHECK (id <> 'proj_default' OR archived_at IS NULL)
);

CREATE TABLE rate_limits (
    project TEXT NOT NULL,
    model TEXT NOT NULL,
    requests INTEGER,
    tokens INTEGER,
    PRIMARY KEY (project, model)
);

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
, extras TEXT, trace TEXT, imported INTEGER NOT NULL DEFAULT 0);

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
    body TEXT NOT NULL, queued_at REAL NOT NULL DEFAULT 0, key_id TEXT, created_at INTEGER, assistant_id TEXT, model TEXT, error_code TEXT, trace TEXT, traceparent TEXT, asked_at REAL, imported INTEGER NOT NULL DEFAULT 0,
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

CREATE INDEX queued_runs ON runs (project, seq) WHERE status = 'queued';

CREATE INDEX runs_by_assistant ON runs (project, assistant_id, created_at, seq);

CREATE INDEX runs_by_error ON runs (project, error_code, created_at, seq)
    WHERE error_code IS NOT NULL;

CREATE INDEX runs_by_model ON runs (project, model, created_at, seq);

CREATE INDEX runs_by_status ON runs (project, status, created_at, seq);

CREATE INDEX runs_by_thread ON runs (thread_id, seq);

CREATE INDEX runs_by_time ON runs (project, created_at, seq);

CREATE INDEX runs_not_listed ON runs (seq)
    WHERE created_at IS NULL OR (status = 'failed' AND error_code IS NULL);

CREATE INDEX traced_runs ON runs (ended_at) WHERE trace IS NOT NULL AND ended_at IS NOT NULL;

CREATE TABLE schema_migrations (name TEXT PRIMARY KEY);

CREATE TABLE segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- vector_stores.seq, whether the store is still there or not
    vector_store INTEGER NOT NULL,
    -- how large it is, in powers of 8: those of one level are merged
    level INTEGER NOT NULL,
    -- how many chunks it has, and how many of them are not removed
    chunks INTEGER NOT NULL,
    live INTEGER NOT NULL,
    -- merged, or without live chunks: its postings go
    dropped INTEGER NOT NULL DEFAULT 0
, rules INTEGER NOT NULL DEFAULT 1, stemmer INTEGER NOT NULL DEFAULT 0, languages TEXT NOT NULL DEFAULT '');

CREATE INDEX segments_by_rules ON segments (rules, stemmer, id) WHERE dropped = 0;

CREATE INDEX segments_by_store ON segments (vector_store, level) WHERE dropped = 0;

CREATE INDEX segments_dropped ON segments (id) WHERE dropped = 1;

CREATE INDEX segments_thinned ON segments (id) WHERE dropped = 0 AND live < chunks;

CREATE TABLE servers (
    id TEXT PRIMARY KEY,
    -- where it listens
    address TEXT NOT NULL,
    version TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('all', 'api', 'worker')),
    started_at REAL NOT NULL,
    seen_at REAL NOT NULL,
    -- how many it works on
    runs INTEGER NOT NULL
);

CREATE TABLE service_accounts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER
);

CREATE INDEX service_accounts_by_project ON service_accounts (project, seq);

CREATE TABLE sessions (
    thread_id TEXT PRIMARY KEY,
    server TEXT NOT NULL,
    until REAL NOT NULL
);

CREATE INDEX sessions_by_server ON sessions (server);

CREATE TABLE threads (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX threads_by_project ON threads (project, seq);

CREATE TABLE tombstones (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    deleted_at INTEGER NOT NULL
, project TEXT NOT NULL DEFAULT 'proj_default');

CREATE INDEX tombstones_by_age ON tombstones (deleted_at);

CREATE TABLE upload_parts (
    id TEXT PRIMARY KEY,
    upload_id TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE
);

CREATE INDEX upload_parts_by_upload ON upload_parts (upload_id);

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

CREATE TABLE usage_counts (
    -- seconds of the span, 60, 3600 or 86400, and its beginning, in Unix seconds
    span INTEGER NOT NULL CHECK (span IN (60, 3600, 86400)),
    began_at INTEGER NOT NULL,
    -- of what: completions, embeddings, file_search_calls, code_interpreter_sessions
    kind TEXT NOT NULL,
    project TEXT NOT NULL,
    -- empty where there is none
    key_id TEXT NOT NULL,
    model TEXT NOT NULL,
    server TEXT NOT NULL,
    requests INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    -- those of the input that the model server had in its cache
    cached_tokens INTEGER NOT NULL,
    PRIMARY KEY (span, began_at, kind, project, key_id, model, server)
) WITHOUT ROWID;

CREATE TABLE vector_store_bytes (
    project TEXT NOT NULL,
    since INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (project, since)
);

CREATE TABLE vector_store_files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    vector_store_id TEXT NOT NULL REFERENCES vector_stores (id) ON DELETE CASCADE,
    file_id TEXT NOT NULL,
    filename TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('in_progress', 'completed', 'cancelled', 'failed')),
    usage_bytes INTEGER NOT NULL DEFAULT 0,
    -- JSON: what filters look at
    attributes TEXT NOT NULL,
    -- the attempt whose chunks are found by searches; only a completed file has one
    ingestion INTEGER,
    -- how often a worker began on it, so that a file that kills its worker is given up
    attempts INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    epoch INTEGER NOT NULL DEFAULT 0,
    lease_until REAL,
    body TEXT NOT NULL, put_off INTEGER NOT NULL DEFAULT 0,
    UNIQUE (vector_store_id, file_id),
    CHECK ((owner IS NULL) = (lease_until IS NULL)),
    CHECK (owner IS NULL OR status = 'in_progress'),
    CHECK ((status = 'completed') = (ingestion IS NOT NULL))
);

CREATE INDEX vector_store_files_by_file ON vector_store_files (file_id);

CREATE INDEX vector_store_files_by_ingestion ON vector_store_files (ingestion)
    WHERE ingestion IS NOT NULL;

CREATE INDEX vector_store_files_by_status ON vector_store_files (vector_store_id, status);

CREATE INDEX vector_store_files_by_store ON vector_store_files (vector_store_id, seq);

CREATE INDEX vector_store_files_leased ON vector_store_files (lease_until)
    WHERE lease_until IS NOT NULL;

CREATE INDEX vector_store_files_searched ON vector_store_files (vector_store_id, ingestion)
    WHERE ingestion IS NOT NULL;

CREATE INDEX vector_store_files_waiting ON vector_store_files (vector_store_id, seq)
    WHERE status = 'in_progress' AND lease_until IS NULL;

CREATE TABLE vector_stores (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    -- null: never
    expires_at INTEGER,
    last_active_at INTEGER NOT NULL,
    -- the model and the dimensions of all vectors in the store; null: it had no file yet
    embedding TEXT,
    body TEXT NOT NULL
, emptied INTEGER NOT NULL DEFAULT 0);

CREATE INDEX vector_stores_by_project ON vector_stores (project, seq);

CREATE INDEX vector_stores_that_expire ON vector_stores (expires_at)
    WHERE expires_at IS NOT NULL AND emptied = 0;

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
    last_error TEXT, project TEXT NOT NULL DEFAULT 'proj_default', response_status INTEGER,
    PRIMARY KEY (id, webhook),
    -- it waits until it has ended
    CHECK ((status = 'waiting') = (ended_at IS NULL)),
    -- what is not delivered is still there to be looked at
    CHECK ((status = 'delivered') = (data IS NULL))
);

CREATE INDEX deliveries_by_status ON webhook_deliveries (project, status, told_at, id, webhook);

CREATE INDEX deliveries_by_time ON webhook_deliveries (project, told_at, id, webhook);

CREATE INDEX ended_deliveries ON webhook_deliveries (ended_at) WHERE ended_at IS NOT NULL;

CREATE INDEX waiting_deliveries ON webhook_deliveries (webhook, due_at) WHERE status = 'waiting';

CREATE TABLE webhooks (
    name TEXT NOT NULL,
    project TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (name, event)
);

CREATE INDEX webhooks_by_project ON webhooks (project, event);
