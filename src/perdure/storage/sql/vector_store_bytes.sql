-- name: measured
-- The bytes of the vector stores of each project, now.
SELECT vector_stores.project, CAST(SUM(vector_store_files.usage_bytes) AS BIGINT) AS bytes
FROM vector_store_files JOIN vector_stores
    ON vector_stores.id = vector_store_files.vector_store_id
WHERE vector_stores.emptied = 0
GROUP BY vector_stores.project

-- name: newest
-- The last row of each project.
SELECT project, since, bytes FROM vector_store_bytes AS newest
WHERE since = (SELECT MAX(since) FROM vector_store_bytes WHERE project = newest.project)

-- name: keep!
-- Notes the bytes of a project from a time on. Servers that measure at the same time find the same.
INSERT INTO vector_store_bytes (project, since, bytes) VALUES (:project, :since, :bytes)
ON CONFLICT (project, since) DO UPDATE SET bytes = excluded.bytes

-- name: fold!
-- Keeps the last row of each span of so many seconds, before a time.
DELETE FROM vector_store_bytes
WHERE since < :before AND EXISTS (
    SELECT 1 FROM vector_store_bytes AS later
    WHERE later.project = vector_store_bytes.project
      AND later.since > vector_store_bytes.since
      AND later.since / CAST(:span AS INTEGER) = vector_store_bytes.since / CAST(:span AS INTEGER)
)

-- name: until
-- The rows of projects before a time: all, or those of a list.
SELECT project, since, bytes FROM vector_store_bytes
WHERE since < :high
  AND (:projects IS NULL OR project IN (SELECT value FROM json_each(:projects))) -- sqlite
  AND (CAST(:projects AS json) IS NULL OR project IN (SELECT json_array_elements_text(CAST(:projects AS json)))) -- postgres
ORDER BY project, since
