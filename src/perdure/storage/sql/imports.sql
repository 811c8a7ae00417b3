-- name: files
-- Those of the files of any project that are there: ids are unique over all. `ids` is JSON.
SELECT id, project, body FROM files
WHERE id IN (SELECT value FROM json_each(:ids)) -- sqlite
WHERE id = ANY(ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) -- postgres

-- name: vector_stores
-- Those of the vector stores of any project that are there: ids are unique over all. `ids` is JSON.
SELECT id, project, body FROM vector_stores
WHERE id IN (SELECT value FROM json_each(:ids)) -- sqlite
WHERE id = ANY(ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) -- postgres

-- name: assistants
-- Those of the assistants of any project that are there: ids are unique over all. `ids` is JSON.
SELECT id, project, unsupported_tools, body FROM assistants
WHERE id IN (SELECT value FROM json_each(:ids)) -- sqlite
WHERE id = ANY(ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) -- postgres

-- name: threads
-- Those of the threads of any project that are there: ids are unique over all. `ids` is JSON.
SELECT id, project, body FROM threads
WHERE id IN (SELECT value FROM json_each(:ids)) -- sqlite
WHERE id = ANY(ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) -- postgres

-- name: messages
-- Those of the messages of any project that are there: ids are unique over all. `ids` is JSON.
SELECT id, project, thread_id, imported, body FROM messages
WHERE id IN (SELECT value FROM json_each(:ids)) -- sqlite
WHERE id = ANY(ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) -- postgres

-- name: runs
-- Those of the runs of any project that are there: ids are unique over all. `ids` is JSON.
SELECT id, project, thread_id, status, imported, body FROM runs
WHERE id IN (SELECT value FROM json_each(:ids)) -- sqlite
WHERE id = ANY(ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) -- postgres

-- name: run_steps
-- Those of the run steps of any project that are there: ids are unique over all. `ids` is JSON.
SELECT id, project, run_id, imported, body FROM run_steps
WHERE id IN (SELECT value FROM json_each(:ids)) -- sqlite
WHERE id = ANY(ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) -- postgres

-- name: vector_store_files
-- Those of the files that are in a vector store. `ids` is JSON.
SELECT seq, file_id AS id, filename, body FROM vector_store_files
WHERE vector_store_id = :vector_store_id AND file_id IN (SELECT value FROM json_each(:ids)) -- sqlite
WHERE vector_store_id = :vector_store_id -- postgres
  AND file_id = ANY(ARRAY(SELECT json_array_elements_text(CAST(:ids AS json)))) -- postgres

-- name: insert_files!
-- Adds one of the files, at a place that is given or at the end.
INSERT INTO files (
    seq, id, project, purpose, expires_at, body
)
OVERRIDING SYSTEM VALUE -- postgres
VALUES (
    :seq, -- sqlite
    COALESCE(CAST(:seq AS BIGINT), nextval(pg_get_serial_sequence('files', 'seq'))), -- postgres
    :id, :project, :purpose, :expires_at, :body
)

-- name: insert_vector_stores!
-- Adds one of the vector stores, at a place that is given or at the end.
INSERT INTO vector_stores (
    seq, id, project, expires_at, last_active_at, body
)
OVERRIDING SYSTEM VALUE -- postgres
VALUES (
    :seq, -- sqlite
    COALESCE(CAST(:seq AS BIGINT), nextval(pg_get_serial_sequence('vector_stores', 'seq'))), -- postgres
    :id, :project, :expires_at, :last_active_at, :body
)

-- name: insert_vector_store_files!
-- Adds one of the files of vector stores, at a place that is given or at the end.
INSERT INTO vector_store_files (
    seq, vector_store_id, file_id, filename, status, attributes, body
)
OVERRIDING SYSTEM VALUE -- postgres
VALUES (
    :seq, -- sqlite
    COALESCE(CAST(:seq AS BIGINT), nextval(pg_get_serial_sequence('vector_store_files', 'seq'))), -- postgres
    :vector_store_id, :file_id, :filename, :status, :attributes, :body
)

-- name: insert_assistants!
-- Adds one of the assistants, at a place that is given or at the end.
INSERT INTO assistants (
    seq, id, project, unsupported_tools, body
)
OVERRIDING SYSTEM VALUE -- postgres
VALUES (
    :seq, -- sqlite
    COALESCE(CAST(:seq AS BIGINT), nextval(pg_get_serial_sequence('assistants', 'seq'))), -- postgres
    :id, :project, :unsupported_tools, :body
)

-- name: insert_threads!
-- Adds one of the threads, at a place that is given or at the end.
INSERT INTO threads (
    seq, id, project, body
)
OVERRIDING SYSTEM VALUE -- postgres
VALUES (
    :seq, -- sqlite
    COALESCE(CAST(:seq AS BIGINT), nextval(pg_get_serial_sequence('threads', 'seq'))), -- postgres
    :id, :project, :body
)

-- name: insert_messages!
-- Adds one of the messages, at a place that is given or at the end.
INSERT INTO messages (
    seq, id, project, thread_id, run_id, role, status, body, imported
)
OVERRIDING SYSTEM VALUE -- postgres
VALUES (
    :seq, -- sqlite
    COALESCE(CAST(:seq AS BIGINT), nextval(pg_get_serial_sequence('messages', 'seq'))), -- postgres
    :id, :project, :thread_id, :run_id, :role, :status, :body, 1
)

-- name: insert_runs!
-- Adds one of the runs, at a place that is given or at the end.
INSERT INTO runs (
    seq, id, project, thread_id, status, expires_at, ended_at, epoch, queued_at, created_at,
    assistant_id, model, error_code, body, imported
)
OVERRIDING SYSTEM VALUE -- postgres
VALUES (
    :seq, -- sqlite
    COALESCE(CAST(:seq AS BIGINT), nextval(pg_get_serial_sequence('runs', 'seq'))), -- postgres
    :id, :project, :thread_id, :status, :expires_at, :ended_at, :epoch, :queued_at,
    :created_at, :assistant_id, :model, :error_code, :body, 1
)

-- name: insert_run_steps!
-- Adds one of the run steps, at a place that is given or at the end.
INSERT INTO run_steps (
    seq, id, project, thread_id, run_id, status, usage, body, imported
)
OVERRIDING SYSTEM VALUE -- postgres
VALUES (
    :seq, -- sqlite
    COALESCE(CAST(:seq AS BIGINT), nextval(pg_get_serial_sequence('run_steps', 'seq'))), -- postgres
    :id, :project, :thread_id, :run_id, :status, :usage, :body, 1
)

-- name: replace_files!
-- Replaces one of the files by what was imported.
UPDATE files
SET purpose = :purpose, expires_at = :expires_at, body = :body
WHERE id = :id AND project = :project

-- name: replace_vector_stores!
-- Replaces one of the vector stores by what was imported.
UPDATE vector_stores
SET expires_at = :expires_at, last_active_at = :last_active_at, body = :body
WHERE id = :id AND project = :project

-- name: replace_assistants!
-- Replaces one of the assistants by what was imported.
UPDATE assistants
SET unsupported_tools = :unsupported_tools, body = :body
WHERE id = :id AND project = :project

-- name: replace_threads!
-- Replaces one of the threads by what was imported.
UPDATE threads
SET body = :body
WHERE id = :id AND project = :project

-- name: replace_messages!
-- Replaces one of the messages by what was imported; one that is being written stays.
UPDATE messages
SET run_id = :run_id, role = :role, status = :status, body = :body, imported = 1
WHERE id = :id AND project = :project AND status <> 'in_progress'

-- name: replace_runs!
-- Replaces one of the runs by what was imported; one that is active stays.
UPDATE runs
SET ended_at = :ended_at, expires_at = :expires_at, status = :status, assistant_id =
    :assistant_id, model = :model, error_code = :error_code, body = :body, imported = 1
WHERE id = :id AND project = :project AND ended_at IS NOT NULL

-- name: replace_run_steps!
-- Replaces one of the run steps by what was imported; one that is being written stays.
UPDATE run_steps
SET run_id = :run_id, status = :status, usage = :usage, body = :body, imported = 1
WHERE id = :id AND project = :project AND status <> 'in_progress'

-- name: replace_blobs!
-- Dooms what a file had for its content before a new one is kept for it.
UPDATE blobs SET state = 'doomed', owner = NULL, place = NULL, bytes = NULL
WHERE owner = :owner

-- name: any_object^
-- One of all objects that an import adds to, if there is any.
SELECT id FROM (
    SELECT id FROM (SELECT id FROM files LIMIT 1) AS some_files
    UNION ALL SELECT id FROM (SELECT id FROM vector_stores LIMIT 1) AS some_stores
    UNION ALL SELECT id FROM (SELECT id FROM assistants LIMIT 1) AS some_assistants
    UNION ALL SELECT id FROM (SELECT id FROM threads LIMIT 1) AS some_threads
) AS found LIMIT 1

-- name: begun^
-- How an import with this digest began.
SELECT keeps_seq FROM imports WHERE digest = :digest

-- name: begin!
-- Notes that an import begins.
INSERT INTO imports (digest, keeps_seq, begun_at) VALUES (:digest, :keeps_seq, :now)
ON CONFLICT (digest) DO NOTHING

-- name: raise_places!
-- New objects of a table get places behind this one from now on.
UPDATE sqlite_sequence SET seq = MAX(seq, :seq) WHERE name = :table_name -- sqlite
SELECT setval( -- postgres
    pg_get_serial_sequence(CAST(:table_name AS TEXT), 'seq'), -- postgres
    GREATEST(:seq, nextval(pg_get_serial_sequence(CAST(:table_name AS TEXT), 'seq'))) -- postgres
) -- postgres

-- name: first_places!
-- The same for a table that never had a row.
INSERT INTO sqlite_sequence (name, seq) SELECT :table_name, :seq -- sqlite
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = :table_name) -- sqlite
SELECT 1 WHERE CAST(:table_name AS TEXT) IS NULL AND CAST(:seq AS BIGINT) IS NULL -- postgres
