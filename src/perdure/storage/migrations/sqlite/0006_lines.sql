-- What the loops look for is found without a look at what is at rest: indexes of nothing else.

-- Files wait in a line for each store, so that a store with many keeps no other from its turn.
DROP INDEX vector_store_files_at_work;
CREATE INDEX vector_store_files_waiting ON vector_store_files (vector_store_id, seq)
    WHERE status = 'in_progress' AND lease_until IS NULL;
CREATE INDEX vector_store_files_leased ON vector_store_files (lease_until)
    WHERE lease_until IS NOT NULL;
-- How many of its attempts ended because something that reading needs was away.
ALTER TABLE vector_store_files ADD COLUMN put_off INTEGER NOT NULL DEFAULT 0;

-- Whether what the store held was dropped, since its time is past. That is for good.
ALTER TABLE vector_stores ADD COLUMN emptied INTEGER NOT NULL DEFAULT 0;
CREATE INDEX vector_stores_that_expire ON vector_stores (expires_at)
    WHERE expires_at IS NOT NULL AND emptied = 0;

CREATE INDEX blobs_doomed ON blobs (id) WHERE state = 'doomed';
