-- The API key that made the run; null where none is known, as of an earlier version.
ALTER TABLE runs ADD COLUMN key_id TEXT;

-- What was used, in sums by a span of time. A server writes rows of its own only, so that no two
-- wait for each other; what is folded into longer spans is nobody's, and has an empty server.
CREATE TABLE usage_counts (
    -- seconds of the span, 60, 3600 or 86400, and its beginning, in Unix seconds
    span INTEGER NOT NULL CHECK (span IN (60, 3600, 86400)),
    began_at INTEGER NOT NULL, -- sqlite
    began_at BIGINT NOT NULL, -- postgres
    -- of what: completions, embeddings, file_search_calls, code_interpreter_sessions
    kind TEXT NOT NULL,
    project TEXT NOT NULL,
    -- empty where there is none
    key_id TEXT NOT NULL,
    model TEXT NOT NULL,
    server TEXT NOT NULL,
    requests INTEGER NOT NULL, -- sqlite
    requests BIGINT NOT NULL, -- postgres
    input_tokens INTEGER NOT NULL, -- sqlite
    input_tokens BIGINT NOT NULL, -- postgres
    output_tokens INTEGER NOT NULL, -- sqlite
    output_tokens BIGINT NOT NULL, -- postgres
    -- those of the input that the model server had in its cache
    cached_tokens INTEGER NOT NULL, -- sqlite
    cached_tokens BIGINT NOT NULL, -- postgres
    PRIMARY KEY (span, began_at, kind, project, key_id, model, server)
) WITHOUT ROWID; -- sqlite
); -- postgres

-- The bytes of the vector stores of a project from a time on, until the next row.
CREATE TABLE vector_store_bytes (
    project TEXT NOT NULL,
    since INTEGER NOT NULL, -- sqlite
    since BIGINT NOT NULL, -- postgres
    bytes INTEGER NOT NULL, -- sqlite
    bytes BIGINT NOT NULL, -- postgres
    PRIMARY KEY (project, since)
);

-- Requests and tokens a minute, by a name or pattern of models; null means no limit.
CREATE TABLE rate_limits (
    project TEXT NOT NULL,
    model TEXT NOT NULL,
    requests INTEGER, -- sqlite
    requests BIGINT, -- postgres
    tokens INTEGER, -- sqlite
    tokens BIGINT, -- postgres
    PRIMARY KEY (project, model)
);

-- The other limits of a project; null means no limit.
CREATE TABLE project_limits (
    project TEXT PRIMARY KEY,
    active_runs INTEGER, -- sqlite
    active_runs BIGINT, -- postgres
    file_bytes INTEGER, -- sqlite
    file_bytes BIGINT, -- postgres
    -- US cents in a calendar month of UTC
    monthly_cents INTEGER, -- sqlite
    monthly_cents BIGINT, -- postgres
    -- whether the listed models, a JSON array, are the only ones or the refused ones
    models_mode TEXT CHECK (models_mode IN ('allow_list', 'deny_list')),
    models TEXT
);
