-- name: insert!
-- Adds an entry; in the transaction of the change that it tells of.
INSERT INTO audit_logs (id, type, effective_at, actor, project, target, body)
VALUES (:id, :type, :effective_at, :actor, :project, :target, :body)

-- name: get^
-- An entry. Whoever asks is an admin, who has those of all projects.
SELECT seq FROM audit_logs WHERE id = :id

-- name: newest_first
-- A page of the entries by descending order. Each list is JSON and filters, unless it is null.
SELECT seq, id, body FROM audit_logs
WHERE seq < :high AND seq > :low AND effective_at >= :since AND effective_at <= :until
  AND (CAST(:types AS TEXT) IS NULL OR type IN (SELECT value FROM json_each(:types))) -- sqlite
  AND (CAST(:actors AS TEXT) IS NULL OR actor IN (SELECT value FROM json_each(:actors))) -- sqlite
  AND (CAST(:projects AS TEXT) IS NULL OR project IN (SELECT value FROM json_each(:projects))) -- sqlite
  AND (CAST(:targets AS TEXT) IS NULL OR target IN (SELECT value FROM json_each(:targets))) -- sqlite
  AND (CAST(:types AS TEXT) IS NULL OR type IN (SELECT json_array_elements_text(CAST(:types AS JSON)))) -- postgres
  AND (CAST(:actors AS TEXT) IS NULL OR actor IN (SELECT json_array_elements_text(CAST(:actors AS JSON)))) -- postgres
  AND (CAST(:projects AS TEXT) IS NULL OR project IN (SELECT json_array_elements_text(CAST(:projects AS JSON)))) -- postgres
  AND (CAST(:targets AS TEXT) IS NULL OR target IN (SELECT json_array_elements_text(CAST(:targets AS JSON)))) -- postgres
ORDER BY seq DESC LIMIT :limit

-- name: oldest_first
-- The same page by ascending order.
SELECT seq, id, body FROM audit_logs
WHERE seq < :high AND seq > :low AND effective_at >= :since AND effective_at <= :until
  AND (CAST(:types AS TEXT) IS NULL OR type IN (SELECT value FROM json_each(:types))) -- sqlite
  AND (CAST(:actors AS TEXT) IS NULL OR actor IN (SELECT value FROM json_each(:actors))) -- sqlite
  AND (CAST(:projects AS TEXT) IS NULL OR project IN (SELECT value FROM json_each(:projects))) -- sqlite
  AND (CAST(:targets AS TEXT) IS NULL OR target IN (SELECT value FROM json_each(:targets))) -- sqlite
  AND (CAST(:types AS TEXT) IS NULL OR type IN (SELECT json_array_elements_text(CAST(:types AS JSON)))) -- postgres
  AND (CAST(:actors AS TEXT) IS NULL OR actor IN (SELECT json_array_elements_text(CAST(:actors AS JSON)))) -- postgres
  AND (CAST(:projects AS TEXT) IS NULL OR project IN (SELECT json_array_elements_text(CAST(:projects AS JSON)))) -- postgres
  AND (CAST(:targets AS TEXT) IS NULL OR target IN (SELECT json_array_elements_text(CAST(:targets AS JSON)))) -- postgres
ORDER BY seq ASC LIMIT :limit
