-- name: beat!
-- Notes a sign of life of a server.
INSERT INTO servers (id, address, version, role, started_at, seen_at, runs)
VALUES (:id, :address, :version, :role, :started_at, :now, :runs)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, runs = excluded.runs

-- name: leave!
-- A server has ended in good order.
DELETE FROM servers WHERE id = :id

-- name: address^
-- Where a server listens, or did.
SELECT address FROM servers WHERE id = :id

-- name: living_worker^
-- A row if a server that works on runs was seen since a time.
SELECT 1 AS living FROM servers WHERE role IN ('all', 'worker') AND seen_at > :since LIMIT 1

-- name: living_elsewhere^
-- A server at another address that was seen since a time.
SELECT address FROM servers WHERE address <> :address AND seen_at > :since LIMIT 1

-- name: forget!
-- Forgets the servers that were not seen since a time.
DELETE FROM servers WHERE seen_at < :before
