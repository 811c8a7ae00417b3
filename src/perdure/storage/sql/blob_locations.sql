-- name: add!
-- Notes a blob store that a server has; changes no row if it is known.
INSERT INTO blob_locations (location, host, path, own, seen_at)
VALUES (:location, :host, :path, :own, :now) ON CONFLICT (location) DO NOTHING

-- name: see!
-- Notes that a server has the blob store now.
UPDATE blob_locations SET host = :host, path = :path, seen_at = :now WHERE location = :location

-- name: get^
-- A blob store that some server has had.
SELECT location, host, path, own, seen_at FROM blob_locations WHERE location = :location

-- name: in_use
-- The locations of all contents with their numbers and bytes, and what is known of them.
SELECT used.location, used.contents, used.bytes, host, path, seen_at
FROM (
    SELECT location, COUNT(*) AS contents, CAST(SUM(bytes) AS BIGINT) AS bytes FROM blobs
    WHERE state = 'kept' AND bytes > 0 GROUP BY location
) AS used LEFT JOIN blob_locations ON blob_locations.location = used.location
ORDER BY used.location
