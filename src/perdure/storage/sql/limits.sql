-- name: rates
-- The limits of requests and tokens a minute, of all projects.
SELECT project, model, requests, tokens FROM rate_limits ORDER BY project, model

-- name: set_rate!
-- Sets both limits of a name or pattern of models in a project.
INSERT INTO rate_limits (project, model, requests, tokens)
VALUES (:project, :model, :requests, :tokens)
ON CONFLICT (project, model) DO UPDATE SET requests = excluded.requests, tokens = excluded.tokens

-- name: drop_rate!
-- Removes both limits of a name or pattern of models in a project.
DELETE FROM rate_limits WHERE project = :project AND model = :model

-- name: rate^
-- The limits of a name or pattern of models in a project, kept from other writers until the
-- transaction ends.
SELECT requests, tokens FROM rate_limits WHERE project = :project AND model = :model
FOR UPDATE -- postgres

-- name: all
-- The other limits, of all projects.
SELECT project, active_runs, file_bytes, monthly_cents, models_mode, models FROM project_limits

-- name: ensure!
-- The project has a row of limits, which are none at first.
INSERT INTO project_limits (project) VALUES (:project) ON CONFLICT (project) DO NOTHING

-- name: set_bounds!
-- Sets the number of active runs and the bytes of files.
UPDATE project_limits SET active_runs = :active_runs, file_bytes = :file_bytes
WHERE project = :project

-- name: set_spend!
-- Sets the spend of a month.
UPDATE project_limits SET monthly_cents = :monthly_cents WHERE project = :project

-- name: set_models!
-- Sets which models are allowed.
UPDATE project_limits SET models_mode = :mode, models = :models WHERE project = :project

-- name: active_runs^
-- The number of runs of a project that have not ended.
SELECT COUNT(*) AS active FROM runs
WHERE status IN ('queued', 'in_progress', 'requires_action', 'cancelling') AND project = :project

-- name: file_bytes^
-- The bytes of all files of a project.
SELECT SUM(CAST(json_extract(body, '$.bytes') AS INTEGER)) AS bytes -- sqlite
SELECT CAST(SUM(CAST(CAST(body AS json) ->> 'bytes' AS BIGINT)) AS BIGINT) AS bytes -- postgres
FROM files WHERE project = :project
