-- The place of a run in a distributed trace: the W3C traceparent of the request that made it, null if
-- that had none. And the exact time of that request; null in rows that an older version has written,
-- whose created_at has whole seconds. Whoever ends the run sends its span from these.
ALTER TABLE runs ADD COLUMN traceparent TEXT;
ALTER TABLE runs ADD COLUMN asked_at REAL; -- sqlite
ALTER TABLE runs ADD COLUMN asked_at DOUBLE PRECISION; -- postgres
