-- name: add!
-- Adds to the sums of a span. Only the server that the row names writes it.
INSERT INTO usage_counts (
    span, began_at, kind, project, key_id, model, server,
    requests, input_tokens, output_tokens, cached_tokens
)
VALUES (
    :span, :began_at, :kind, :project, :key_id, :model, :server,
    :requests, :input_tokens, :output_tokens, :cached_tokens
)
ON CONFLICT (span, began_at, kind, project, key_id, model, server) DO UPDATE SET
    requests = usage_counts.requests + excluded.requests,
    input_tokens = usage_counts.input_tokens + excluded.input_tokens,
    output_tokens = usage_counts.output_tokens + excluded.output_tokens,
    cached_tokens = usage_counts.cached_tokens + excluded.cached_tokens

-- name: oldest^
-- When the oldest span of this length began.
SELECT began_at FROM usage_counts WHERE span = :span ORDER BY began_at LIMIT 1

-- name: lock
-- The spans that are to be folded, kept from other servers that fold them until the transaction
-- ends; the rows that another has just folded are not found.
SELECT began_at FROM usage_counts
WHERE span = :span AND began_at >= :low AND began_at < :high
ORDER BY began_at, kind, project, key_id, model, server
FOR UPDATE -- postgres

-- name: fold!
-- Adds the sums of short spans to the long span that they are in.
INSERT INTO usage_counts (
    span, began_at, kind, project, key_id, model, server,
    requests, input_tokens, output_tokens, cached_tokens
)
SELECT :long, :low, kind, project, key_id, model, '',
    SUM(requests), SUM(input_tokens), SUM(output_tokens), SUM(cached_tokens)
FROM usage_counts
WHERE span = :span AND began_at >= :low AND began_at < :high
GROUP BY kind, project, key_id, model
ON CONFLICT (span, began_at, kind, project, key_id, model, server) DO UPDATE SET
    requests = usage_counts.requests + excluded.requests,
    input_tokens = usage_counts.input_tokens + excluded.input_tokens,
    output_tokens = usage_counts.output_tokens + excluded.output_tokens,
    cached_tokens = usage_counts.cached_tokens + excluded.cached_tokens

-- name: drop!
-- Removes spans that were folded.
DELETE FROM usage_counts WHERE span = :span AND began_at >= :low AND began_at < :high

-- name: sums
-- The sums by buckets of time, and by those of project, key and model that are asked for; an empty
-- list of ids selects nothing, and null all.
SELECT
    began_at - began_at % CAST(:width AS INTEGER) AS bucket,
    CASE WHEN CAST(:by_project AS INTEGER) = 1 THEN project END AS project,
    CASE WHEN CAST(:by_key AS INTEGER) = 1 THEN key_id END AS key_id,
    CASE WHEN CAST(:by_model AS INTEGER) = 1 THEN model END AS model,
    CAST(SUM(requests) AS BIGINT) AS requests,
    CAST(SUM(input_tokens) AS BIGINT) AS input_tokens,
    CAST(SUM(output_tokens) AS BIGINT) AS output_tokens,
    CAST(SUM(cached_tokens) AS BIGINT) AS cached_tokens
FROM usage_counts
WHERE span IN (60, 3600, 86400) AND began_at >= :low AND began_at < :high AND kind = :kind
  AND (:projects IS NULL OR project IN (SELECT value FROM json_each(:projects))) -- sqlite
  AND (:keys IS NULL OR key_id IN (SELECT value FROM json_each(:keys))) -- sqlite
  AND (:models IS NULL OR model IN (SELECT value FROM json_each(:models))) -- sqlite
  AND (CAST(:projects AS json) IS NULL OR project IN (SELECT json_array_elements_text(CAST(:projects AS json)))) -- postgres
  AND (CAST(:keys AS json) IS NULL OR key_id IN (SELECT json_array_elements_text(CAST(:keys AS json)))) -- postgres
  AND (CAST(:models AS json) IS NULL OR model IN (SELECT json_array_elements_text(CAST(:models AS json)))) -- postgres
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4

-- name: of_others
-- What the other servers have counted of the models of a project, by minute.
SELECT began_at, model,
    CAST(SUM(requests) AS BIGINT) AS requests,
    CAST(SUM(input_tokens + output_tokens) AS BIGINT) AS tokens
FROM usage_counts
WHERE span = 60 AND began_at >= :low AND kind IN ('completions', 'embeddings')
  AND project = :project AND server <> :server
GROUP BY began_at, model
