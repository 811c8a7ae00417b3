-- What the runs of a project are listed by. The columns are null in rows that an older version has
-- written; upkeep fills them from the body, in batches and beside the work (run_lists.complete). So
-- this migration takes no longer with many runs.
ALTER TABLE runs ADD COLUMN created_at INTEGER; -- sqlite
ALTER TABLE runs ADD COLUMN created_at BIGINT; -- postgres
ALTER TABLE runs ADD COLUMN assistant_id TEXT;
ALTER TABLE runs ADD COLUMN model TEXT;
ALTER TABLE runs ADD COLUMN error_code TEXT;

-- One index for each filter, in the order of the list.
CREATE INDEX runs_by_time ON runs (project, created_at, seq);
CREATE INDEX runs_by_status ON runs (project, status, created_at, seq);
CREATE INDEX runs_by_assistant ON runs (project, assistant_id, created_at, seq);
CREATE INDEX runs_by_model ON runs (project, model, created_at, seq);
CREATE INDEX runs_by_error ON runs (project, error_code, created_at, seq)
    WHERE error_code IS NOT NULL;

-- What upkeep has to fill.
CREATE INDEX runs_not_listed ON runs (seq)
    WHERE created_at IS NULL OR (status = 'failed' AND error_code IS NULL);
