-- Who is signed in at the dashboard: the hash of what the browser's cookie holds, and the API key
-- that was given for it. `key_id` is a key with a row; one of the settings has none, and is known by
-- a hash that is of no use without the cookie.
CREATE TABLE dashboard_sessions (
    hash TEXT PRIMARY KEY,
    key_id TEXT REFERENCES api_keys (id),
    settings_key TEXT,
    created_at BIGINT NOT NULL, -- postgres
    created_at INTEGER NOT NULL, -- sqlite
    expires_at BIGINT NOT NULL, -- postgres
    expires_at INTEGER NOT NULL, -- sqlite
    CHECK ((key_id IS NULL) <> (settings_key IS NULL))
);

CREATE INDEX dashboard_sessions_by_expiry ON dashboard_sessions (expires_at);
