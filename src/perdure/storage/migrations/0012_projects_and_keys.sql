-- The projects, to which all rows belong. The first one has all that came before there were others.
CREATE TABLE projects (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- postgres
    seq INTEGER PRIMARY KEY AUTOINCREMENT, -- sqlite
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL, -- postgres
    created_at INTEGER NOT NULL, -- sqlite
    archived_at BIGINT, -- postgres
    archived_at INTEGER, -- sqlite
    CHECK (id <> 'proj_default' OR archived_at IS NULL)
);

INSERT INTO projects (id, name, created_at)
VALUES ('proj_default', 'Default project', CAST(EXTRACT(EPOCH FROM now()) AS BIGINT)); -- postgres
VALUES ('proj_default', 'Default project', CAST(strftime('%s', 'now') AS INTEGER)); -- sqlite

-- Who owns the keys of a project.
CREATE TABLE service_accounts (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- postgres
    seq INTEGER PRIMARY KEY AUTOINCREMENT, -- sqlite
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL, -- postgres
    created_at INTEGER NOT NULL, -- sqlite
    deleted_at BIGINT -- postgres
    deleted_at INTEGER -- sqlite
);

CREATE INDEX service_accounts_by_project ON service_accounts (project, seq);

-- API keys by the SHA-256 of their secret, in hex. An admin key has no project and no owner. One
-- that was deleted stays, so that keys are still required when there is no other.
CREATE TABLE api_keys (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- postgres
    seq INTEGER PRIMARY KEY AUTOINCREMENT, -- sqlite
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('admin', 'project')),
    project TEXT REFERENCES projects (id),
    service_account TEXT REFERENCES service_accounts (id),
    hash TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    redacted_value TEXT NOT NULL,
    created_at BIGINT NOT NULL, -- postgres
    created_at INTEGER NOT NULL, -- sqlite
    -- the beginning of the minute
    last_used_at BIGINT, -- postgres
    last_used_at INTEGER, -- sqlite
    expires_at BIGINT, -- postgres
    expires_at INTEGER, -- sqlite
    deleted_at BIGINT, -- postgres
    deleted_at INTEGER, -- sqlite
    CHECK ((kind = 'admin') = (project IS NULL)),
    CHECK ((project IS NULL) = (service_account IS NULL))
);

CREATE INDEX api_keys_by_project ON api_keys (project, seq);
CREATE INDEX api_keys_by_account ON api_keys (service_account);

-- How often projects or keys were changed, so that servers see at a glance whether they know them
-- all. There is one row, or none as long as nothing was changed.
CREATE TABLE api_key_changes (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    changes BIGINT NOT NULL -- postgres
    changes INTEGER NOT NULL -- sqlite
);

-- Who has changed what of projects and keys. `target` is the id of what was changed.
CREATE TABLE audit_logs (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- postgres
    seq INTEGER PRIMARY KEY AUTOINCREMENT, -- sqlite
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    effective_at BIGINT NOT NULL, -- postgres
    effective_at INTEGER NOT NULL, -- sqlite
    actor TEXT NOT NULL,
    project TEXT NOT NULL,
    target TEXT NOT NULL,
    body TEXT NOT NULL
);

-- All tombstones that there are belong to the first project.
ALTER TABLE tombstones ADD COLUMN project TEXT NOT NULL DEFAULT 'proj_default';
