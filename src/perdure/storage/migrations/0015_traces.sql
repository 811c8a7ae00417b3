-- What is kept for the trace of a run: lines of JSON. Those of model calls and of tools are with the
-- step that they led to; claims, and calls that led to no step, are with the run. An older version
-- writes none.
ALTER TABLE runs ADD COLUMN trace TEXT;
ALTER TABLE run_steps ADD COLUMN trace TEXT;

-- Runs whose trace is to be removed one day.
CREATE INDEX traced_runs ON runs (ended_at) WHERE trace IS NOT NULL AND ended_at IS NOT NULL;
