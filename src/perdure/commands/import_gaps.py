"""Rows that stand for files and vector stores which imported objects name and which are not there.

With them references resolve, and `perdure files supply` heals them later.
"""

from collections.abc import Collection

from perdure.commands import files as files_of_project
from perdure.commands import imported_objects
from perdure.commands.import_batches import Importing, Line
from perdure.wire.base import encode


def fill(
    importing: Importing,
    line: Line,
    *,
    files: Collection[str] = (),
    stores: Collection[str] = (),
    is_needed: bool = False,
) -> str | None:
    """Adds a row for each of the objects that is not there, and reports it. Unless such a row is
    needed, that is done only where the import fills gaps.

    Returns why the line cannot be imported: what it needs is another project's.
    """
    if not is_needed and not importing.options.fills_gaps:
        return None
    wrong = None
    for table, ids in (("files", files), ("vector_stores", stores)):
        known = importing.rows(table, ids)
        for object_id in dict.fromkeys(ids):
            row = known.get(object_id)
            if row is not None and row["project"] == line.project:
                continue
            if row is not None or not _is_id(object_id):
                wrong = f"It needs {object_id[:64]}, which it cannot have."
                continue
            _insert(importing, table, object_id, line.project)
            importing.tally.miss(
                "file" if table == "files" else "vector_store", object_id, line.body.id
            )
    return wrong


def _is_id(object_id: str) -> bool:
    plain = object_id.replace("-", "").replace("_", "")
    return len(object_id) <= 256 and plain.isascii() and plain.isalnum()


def _insert(importing: Importing, table: str, object_id: str, project: str) -> None:
    now = importing.options.now
    if table == "files":
        stand_in = imported_objects.missing_file(object_id, now=now)
        files_of_project.insert(importing.tx, stand_in, project=project)
        return
    store = imported_objects.missing_vector_store(object_id, now=now)
    importing.tx.run(
        "vector_stores.insert",
        id=store.id,
        project=project,
        expires_at=store.expires_at,
        last_active_at=store.last_active_at,
        body=encode(store).decode(),
    )
