-- Pages of a project's threads.
CREATE INDEX threads_by_project ON threads (project, seq);
