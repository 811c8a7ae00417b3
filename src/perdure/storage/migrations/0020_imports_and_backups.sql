-- Objects that came with an import: another server made them, so there are no events of them here,
-- and what our own state machine makes of an object need not hold for them. No earlier version has
-- imported any.
ALTER TABLE runs ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run_steps ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;

-- JSON: the tools that an imported assistant had elsewhere and that cannot run here.
ALTER TABLE assistants ADD COLUMN unsupported_tools TEXT;

-- The imports that began on this database, by the digest of what was imported: one that is begun
-- again keeps the places of objects if it kept them before.
CREATE TABLE imports (
    digest TEXT PRIMARY KEY,
    keeps_seq INTEGER NOT NULL,
    begun_at INTEGER NOT NULL -- sqlite
    begun_at BIGINT NOT NULL -- postgres
);

-- Back-ups under way: while one has a lease, no contents are deleted, since it may be copying them.
CREATE TABLE backups (
    id TEXT PRIMARY KEY,
    lease_until REAL NOT NULL -- sqlite
    lease_until DOUBLE PRECISION NOT NULL -- postgres
);
