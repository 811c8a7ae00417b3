-- The project of the run that a delivery is about, and the status of the target's last response.
-- Runs, and so all deliveries that there are, belonged to the first project only; of their
-- responses no status is known.
ALTER TABLE webhook_deliveries ADD COLUMN project TEXT NOT NULL DEFAULT 'proj_default';
ALTER TABLE webhook_deliveries ADD COLUMN response_status INTEGER;

-- What the deliveries of a project are listed by.
CREATE INDEX deliveries_by_time ON webhook_deliveries (project, told_at, id, webhook);
CREATE INDEX deliveries_by_status ON webhook_deliveries (project, status, told_at, id, webhook);

-- The number of characters of a chunk's heading, with its line breaks: what the chunk repeats from
-- earlier in the text. No earlier version has repeated anything.
ALTER TABLE chunks ADD COLUMN heading INTEGER NOT NULL DEFAULT 0;
