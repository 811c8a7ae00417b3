"""Rules for files (spec 01 §12, 02 §10)."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from perdure import ids
from perdure.commands import blobs, known_files, resources, store_membership
from perdure.commands.blobs import WrittenBlob
from perdure.commands.imported_objects import is_lacking
from perdure.commands.lists import add_tombstone
from perdure.errors import NotFound
from perdure.marks import CONTROLS, DIRECTIONS, HALVES
from perdure.storage.database import Row, Transaction
from perdure.wire import files as wire
from perdure.wire import images, refusals
from perdure.wire.base import decode, encode
from perdure.wire.files import CreateFile, File, FileExpiresAfter
from perdure.wire.lists import Deleted

_MAX_NAME = 512
_UNSEEN = re.compile(f"[{CONTROLS}{DIRECTIONS}{HALVES}]")
LACKING_TEXT = "The content of the file {} is missing. Supply it with perdure files supply."


class FileContent(NamedTuple):
    """A file and where its bytes are."""

    file: File
    blobs: list[WrittenBlob]


def create(
    tx: Transaction, body: CreateFile, name: str, blob: WrittenBlob, *, project: str, now: int
) -> File:
    """Adds a file whose content was just received. Raises `Unavailable` if the content was given
    up.
    """
    file = File(
        id=ids.new_file(),
        bytes=blob.bytes,
        created_at=now,
        expires_at=expiry(body.expires_after, now=now),
        filename=clean_name(name),
        purpose=body.purpose,
    )
    insert(tx, file, project=project)
    blobs.keep(tx, blob, owner=file.id)
    return file


def create_output(
    tx: Transaction, file_id: str, name: str, blob: WrittenBlob, *, project: str, now: int
) -> None:
    """Adds a file that a run's code has left. Raises `Unavailable` if the content was given up."""
    file = File(
        id=file_id,
        bytes=blob.bytes,
        created_at=now,
        filename=clean_name(name),
        purpose="assistants_output",
    )
    insert(tx, file, project=project)
    blobs.keep(tx, blob, owner=file.id)


def insert(tx: Transaction, file: File, *, project: str) -> None:
    """Adds a file. The caller gives it its blobs."""
    tx.run(
        "files.insert",
        id=file.id,
        project=project,
        purpose=file.purpose,
        expires_at=file.expires_at,
        body=encode(file).decode(),
    )


def expiry(policy: FileExpiresAfter | None, *, now: int) -> int | None:
    """Returns the time at which a file that is created now expires."""
    return None if policy is None else now + policy.seconds


def clean_name(name: str) -> str:
    """Returns the name without folders and invisible characters; `upload` if nothing is left.

    Raises `BadRequest` for a name that is too long.
    """
    last = re.split(r"[/\\]", name)[-1]
    cleaned = _UNSEEN.sub("", last).strip()
    if len(cleaned) > _MAX_NAME:
        raise refusals.string_too_long("filename", limit=_MAX_NAME, length=len(cleaned))
    return cleaned if cleaned.strip(".") else "upload"


def get(tx: Transaction, file_id: str, *, project: str) -> str:
    """Returns the file's JSON. Raises `NotFound` (spec 05 §3.2)."""
    return str(_found(tx.one("files.get", id=file_id, project=project), file_id)["body"])


def content(tx: Transaction, file_id: str, *, project: str) -> FileContent:
    """Returns the file and its blobs. Raises `NotFound`, also where the content is missing."""
    file = decode(get(tx, file_id, project=project), File)
    if is_lacking(file):
        raise NotFound(
            LACKING_TEXT.format(file_id),
            param="id",
            code="file_content_missing",
        )
    return FileContent(file, blobs.of_owner(tx, file_id))


def contents(tx: Transaction, file_ids: Iterable[str], *, project: str) -> dict[str, FileContent]:
    """Returns the contents of those files that the project has with their content, by id."""
    found = {}
    for file_id in filter(ids.is_possible, file_ids):
        row = tx.one("files.get", id=file_id, project=project)
        file = None if row is None else decode(row["body"], File)
        if file is not None and not is_lacking(file):
            found[file_id] = FileContent(file, blobs.of_owner(tx, file_id))
    return found


def contents_for_run(
    tx: Transaction, run_id: str, file_ids: Iterable[str]
) -> dict[str, FileContent]:
    """Returns the contents of those files that the run's project still has with their content, by
    id.
    """
    found = {}
    for file_id in file_ids:
        row = tx.one("files.get_for_run", id=file_id, run_id=run_id)
        file = None if row is None else decode(row["body"], File)
        if file is not None and not is_lacking(file):
            found[file_id] = FileContent(file, blobs.of_owner(tx, file_id))
    return found


def lacks_content(tx: Transaction, run_id: str, file_id: str) -> bool:
    """Returns True if the run's project has the file, and its content is missing."""
    row = tx.one("files.get_for_run", id=file_id, run_id=run_id)
    return row is not None and is_lacking(decode(row["body"], File))


def require_image(tx: Transaction, file_id: str, *, project: str, param: str) -> None:
    """Raises `BadRequest` unless the file is there and a message can show it, as far as its name
    and its size say (spec 03 §16).
    """
    file = known_files.find(tx, [file_id], project=project).get(file_id)
    if file is None:
        raise wire.not_found(param, file_id=file_id)
    images.check_file(file, param=param)


def delete(tx: Transaction, file_id: str, *, project: str, now: int) -> Deleted:
    """Removes the file and all references to it, and dooms its content.

    It is removed from vector stores and tool resources too (spec 02 §10). Explicit deletion and
    expiry share this function.
    """
    row = _found(tx.one("files.lock", id=file_id, project=project), file_id)
    store_membership.remove_everywhere(tx, file_id, project=project, now=now)
    resources.unlist(tx, file_id, project=project)
    tx.run("blobs.doom_of_owner", owner=file_id)
    tx.run("files.delete", id=file_id, project=project)
    add_tombstone(tx, file_id, project=project, seq=row["seq"], now=now)
    return Deleted(id=file_id, object="file")


def expire_due(tx: Transaction, *, now: int, limit: int) -> int:
    """Deletes files past their time. Returns their number."""
    rows = tx.all("files.due", now=now, limit=limit)
    for row in rows:
        # Between the look and the lock, another server may have been faster.
        if tx.one("files.lock", id=row["id"], project=row["project"]):
            delete(tx, row["id"], project=row["project"], now=now)
    return len(rows)


def _found(row: Row | None, file_id: str) -> Row:
    if row is None:
        raise NotFound(f"No such File object: {file_id}", param="id")
    return row
