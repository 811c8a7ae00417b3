-- name: odd_counts
-- Sums that cannot be: less than nothing, of no project, or of a span that begins within another.
SELECT project, kind, span, began_at, requests, input_tokens, output_tokens, cached_tokens
FROM usage_counts
WHERE requests < 0 OR input_tokens < 0 OR output_tokens < 0 OR cached_tokens < 0
  OR project = '' OR kind = '' OR began_at < 0 OR began_at % span <> 0
  OR (span > 60) <> (server = '')
LIMIT :limit

-- name: odd_bytes
-- Bytes of vector stores that cannot be.
SELECT project, since, bytes FROM vector_store_bytes
WHERE bytes < 0 OR since < 0 OR project = ''
LIMIT :limit

-- name: odd_limits
-- Limits below nothing, of no model or of no project, those that limit nothing, and models without
-- a mode.
SELECT project, model AS what FROM rate_limits
WHERE requests < 0 OR tokens < 0 OR model = '' OR project = ''
  OR (requests IS NULL AND tokens IS NULL)
UNION ALL
SELECT project, models FROM project_limits
WHERE active_runs < 0 OR file_bytes < 0 OR monthly_cents < 0 OR project = ''
  OR (models IS NULL) <> (models_mode IS NULL)
LIMIT :limit
