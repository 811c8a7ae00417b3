-- name: files
-- A page of the files of one project, or of all.
SELECT seq, id, project, body FROM files
WHERE seq > :after AND (CAST(:project AS TEXT) IS NULL OR project = :project)
ORDER BY seq LIMIT :limit

-- name: vector_stores
-- A page of the vector stores of one project, or of all.
SELECT seq, id, project, expires_at, last_active_at, body FROM vector_stores
WHERE seq > :after AND (CAST(:project AS TEXT) IS NULL OR project = :project)
ORDER BY seq LIMIT :limit

-- name: assistants
-- A page of the assistants of one project, or of all.
SELECT seq, id, project, unsupported_tools, body FROM assistants
WHERE seq > :after AND (CAST(:project AS TEXT) IS NULL OR project = :project)
ORDER BY seq LIMIT :limit

-- name: threads
-- A page of the threads of one project, or of all.
SELECT seq, id, project, body FROM threads
WHERE seq > :after AND (CAST(:project AS TEXT) IS NULL OR project = :project)
ORDER BY seq LIMIT :limit

-- name: vector_store_files
-- A page of the files in the vector stores of one project, or of all.
SELECT v.seq, v.vector_store_id, v.file_id AS id, stores.project, v.body
FROM vector_store_files AS v JOIN vector_stores AS stores ON stores.id = v.vector_store_id
WHERE v.seq > :after AND (CAST(:project AS TEXT) IS NULL OR stores.project = :project)
ORDER BY v.seq LIMIT :limit

-- name: messages
-- A page of the messages of a thread.
SELECT seq, id, project, body FROM messages
WHERE thread_id = :thread_id AND seq > :after -- sqlite
WHERE (thread_id, seq) > (:thread_id, :after) AND thread_id <= :thread_id -- postgres
ORDER BY thread_id, seq LIMIT :limit

-- name: runs
-- A page of the runs of a thread.
SELECT seq, id, project, body FROM runs
WHERE thread_id = :thread_id AND seq > :after -- sqlite
WHERE (thread_id, seq) > (:thread_id, :after) AND thread_id <= :thread_id -- postgres
ORDER BY thread_id, seq LIMIT :limit

-- name: run_steps
-- A page of the steps of a thread's runs.
SELECT seq, id, project, body FROM run_steps
WHERE run_id IN (SELECT id FROM runs WHERE thread_id = :thread_id) AND seq > :after
ORDER BY seq LIMIT :limit

-- name: used_by^
-- A run of an assistant on a thread, if there is one.
SELECT id FROM runs WHERE thread_id = :thread_id AND assistant_id = :assistant_id LIMIT 1
