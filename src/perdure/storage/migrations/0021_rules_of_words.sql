-- The rules that the words of a segment were made by: their number, the version of the stemmer as
-- one number, and the languages of its chunks, with commas. All segments that there are have those
-- of the first rules, which knew no stemmer.
ALTER TABLE segments ADD COLUMN rules INTEGER NOT NULL DEFAULT 1;
ALTER TABLE segments ADD COLUMN stemmer INTEGER NOT NULL DEFAULT 0;
ALTER TABLE segments ADD COLUMN languages TEXT NOT NULL DEFAULT '';

CREATE INDEX segments_by_rules ON segments (rules, stemmer, id) WHERE dropped = 0;

-- The one server that renews outdated segments, by the time until which it does. There is one row at most.
CREATE TABLE index_renewal (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    lease_until REAL NOT NULL -- sqlite
    lease_until DOUBLE PRECISION NOT NULL -- postgres
);
