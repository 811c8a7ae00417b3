-- name: extent^
-- The numbers of files and uploads.
SELECT (SELECT COUNT(*) FROM files) AS files, (SELECT COUNT(*) FROM uploads) AS uploads

-- name: files
-- A page of all files, with the numbers of their blobs and bytes.
SELECT seq, id, project, purpose, expires_at, body,
    (SELECT COUNT(*) FROM blobs WHERE owner = files.id) AS blobs,
    (SELECT MAX(place) FROM blobs WHERE owner = files.id) AS last,
    (SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM blobs WHERE owner = files.id) AS bytes
FROM files WHERE seq > :after ORDER BY seq LIMIT :limit

-- name: uploads
-- A page of all uploads, and the numbers of their parts.
SELECT seq, id, status, expires_at, body,
    (SELECT COUNT(*) FROM upload_parts WHERE upload_id = uploads.id) AS parts
FROM uploads WHERE seq > :after ORDER BY seq LIMIT :limit

-- name: parts
-- Parts of uploads that are not there, and parts without exactly one blob.
SELECT id, upload_id, EXISTS (SELECT 1 FROM uploads WHERE uploads.id = upload_id) AS has_upload,
    (SELECT COUNT(*) FROM blobs WHERE owner = upload_parts.id) AS blobs
FROM upload_parts
WHERE NOT EXISTS (SELECT 1 FROM uploads WHERE uploads.id = upload_id)
  OR (SELECT COUNT(*) FROM blobs WHERE owner = upload_parts.id) <> 1
LIMIT :limit

-- name: blobs
-- Blobs whose columns contradict their state, and those of an owner that is not there.
SELECT id, state, owner, place, bytes, lease_until FROM blobs
WHERE (state = 'writing') <> (lease_until IS NOT NULL)
  OR (state = 'kept') <> (owner IS NOT NULL)
  OR (owner IS NULL) <> (place IS NULL)
  OR (owner IS NULL) <> (bytes IS NULL)
  OR (owner IS NOT NULL AND NOT EXISTS (SELECT 1 FROM files WHERE files.id = owner)
    AND NOT EXISTS (SELECT 1 FROM upload_parts WHERE upload_parts.id = owner))
LIMIT :limit

-- name: known_files
-- Those of the named files that are there. `ids` is JSON.
SELECT id FROM files
WHERE id IN (
    SELECT value FROM json_each(:ids) -- sqlite
    SELECT json_array_elements_text(CAST(:ids AS JSON)) -- postgres
)

-- name: contents
-- A page of all blobs that are contents.
SELECT id, owner, bytes, location FROM blobs
WHERE state = 'kept' AND id > :after ORDER BY id LIMIT :limit

-- name: known_blobs
-- Those of the named blobs that have a row. `ids` is JSON.
SELECT id, state, owner, bytes, location FROM blobs
WHERE id IN (
    SELECT value FROM json_each(:ids) -- sqlite
    SELECT json_array_elements_text(CAST(:ids AS JSON)) -- postgres
)
