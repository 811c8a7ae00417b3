"""Each statement that reads or changes what belongs to a project says of which, or has a reason
that stands here.
"""

import re

import pytest

from perdure.storage import statements
from perdure.storage.statements import Dialect

# `parent` is a project where the list is the project's own.
_NAMES_IT = re.compile(r"\bproject = (:|%\()(project|parent)\b|\(project, seq\)|(:|%\()project\b")

UPKEEP = "Upkeep and workers: of all projects alike, and no client names what it is about."
OF_RUN = "Of a run that a worker has claimed, or that was found in its project just before."
OF_STORE = "Of a vector store that was found in its project just before (`vector_stores.require`)."
OF_FILE = "Of a file that was found in its project just before."
OF_UPLOAD = "Of an upload that was found in its project just before (`uploads.lock`)."
OF_THREAD = "Of a thread that was found in its project just before."
ADMIN = "An admin has all projects, and so has the server itself."
NO_OBJECT = "Of no project: what servers, model servers and blob stores are."
CHECK = "`perdure doctor --verify` reads everything, and no client sees it."

FILES = {
    "adjustments": NO_OBJECT,
    "admin_keys": ADMIN,
    "audit_logs": ADMIN,
    "backups": NO_OBJECT,
    "blob_blocks": "Of a blob, which belongs to a file or an upload that was found before.",
    "blob_locations": NO_OBJECT,
    "blobs": "Of a blob by its random id, or of a file or an upload that was found before.",
    "chunks": UPKEEP,
    "dashboard_sessions": "Of a browser, which has shown the key of its project.",
    "events": OF_RUN,
    "exports": "An operator exports all projects, or one by its name.",
    "file_batch_files": OF_STORE,
    "file_batches": OF_STORE,
    "file_uses": OF_FILE,
    "imports": "Ids are unique over all projects, and the command compares the project.",
    "ingestions": UPKEEP,
    "invariants": CHECK,
    "invariants_of_files": CHECK,
    "invariants_of_projects": CHECK,
    "invariants_of_vector_stores": CHECK,
    "invariants_of_usage": CHECK,
    "invariants_of_webhooks": CHECK,
    "limits": "The limits of all projects, of which the caller's are looked up.",
    "projects": ADMIN,
    "searches": OF_STORE,
    "schema_migrations": NO_OBJECT,
    "segments": UPKEEP,
    "servers": NO_OBJECT,
    "sessions": "Of a thread whose run a worker has claimed.",
    "usage_counts": ADMIN,
    "vector_store_bytes": ADMIN,
    "vector_store_files": OF_STORE,
    "webhook_deliveries": "Of a webhook, whose project `webhook_deliveries.insert` has asked for.",
    "webhooks": "The settings of all webhooks, which no client sees.",
}
STATEMENTS = {
    "api_keys.changes": ADMIN,
    "api_keys.known": ADMIN,
    "api_keys.note_change": ADMIN,
    "api_keys.note_use": "Of a key that a request has shown.",
    "assistants.with_code": UPKEEP,
    "files.due": UPKEEP,
    "files.get_for_run": "Joined with the run by its project.",
    "messages.any_of_thread": OF_THREAD,
    "messages.earliest": OF_RUN,
    "messages.before_run": OF_RUN,
    "messages.move": OF_RUN,
    "messages.newest_of_user": OF_RUN,
    "messages.of_run": OF_RUN,
    "messages.open_of_run": OF_RUN,
    "run_lists.complete": UPKEEP,
    "run_steps.extras_of_run": OF_RUN,
    "run_steps.forget_traces": UPKEEP,
    "run_steps.keep_extras": OF_RUN,
    "run_steps.move": OF_RUN,
    "run_steps.of_run": OF_RUN,
    "run_steps.of_runs_before": OF_RUN,
    "run_steps.open_of_run": OF_RUN,
    "run_steps.update": OF_RUN,
    "runs.figures": UPKEEP,
    "runs.active_of_thread": OF_THREAD,
    "runs.due": UPKEEP,
    "runs.forget_trace": UPKEEP,
    "runs.goes_on": UPKEEP,
    "runs.held": UPKEEP,
    "runs.interrupted_of_owner": UPKEEP,
    "runs.is_held": UPKEEP,
    "runs.lapsed": UPKEEP,
    "runs.lock": "Returns the project, which the caller compares (`runs._locked`), or upkeep.",
    "runs.move": OF_RUN,
    "runs.of_archived": UPKEEP,
    "runs.owned": UPKEEP,
    "runs.queue_length": "The length of the queue, which is that of the server.",
    "runs.queued": UPKEEP,
    "runs.renew": UPKEEP,
    "runs.traced_before": UPKEEP,
    "runs.waiting": UPKEEP,
    "threads.exists": "Of a thread whose code session this server has.",
    "threads.of_run": "Joined with the run that a worker has claimed.",
    "tombstones.forget": UPKEEP,
    "uploads.add_part": OF_UPLOAD,
    "uploads.drop_parts": OF_UPLOAD,
    "uploads.due": UPKEEP,
    "uploads.forget": UPKEEP,
    "uploads.parts": OF_UPLOAD,
    "vector_stores.at_work": OF_RUN,
    "vector_stores.counts": OF_STORE,
    "vector_stores.empty": UPKEEP,
    "vector_stores.expired": UPKEEP,
    "vector_stores.files_at_work": UPKEEP,
    "vector_stores.lock_expired": UPKEEP,
    "vector_stores.project": UPKEEP,
    "vector_stores.of_run": "Joined with the run by its project.",
}


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_a_statement_names_the_project_or_has_a_reason_not_to(dialect: Dialect) -> None:
    found = statements.load(dialect)
    silent = {name for name, sql in found.items() if not _NAMES_IT.search(sql)}
    excused = {name for name in silent if name.partition(".")[0] in FILES}
    assert silent - excused == set(STATEMENTS)
    assert {name.partition(".")[0] for name in excused} == set(FILES)
