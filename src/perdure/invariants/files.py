"""Invariants of files, uploads and the rows of their contents (spec 01 §12 and §13).

`contents.py` checks the bytes themselves.
"""

from collections.abc import Callable, Iterator

from msgspec import UNSET

from perdure.commands.imported_objects import is_lacking
from perdure.invariants import damage
from perdure.invariants.pages import SHOWN, pages
from perdure.invariants.run_history import Violation
from perdure.lifecycle import UploadStatus
from perdure.storage.database import Row, Transaction
from perdure.wire.base import decode
from perdure.wire.files import File
from perdure.wire.uploads import Upload


def count(tx: Transaction) -> int:
    """Returns the number of files to check."""
    return int(_extent(tx)["files"])


def check(tx: Transaction, *, on_page: Callable[[int], None]) -> Iterator[Violation]:
    """Yields the violations of files, uploads and their blobs."""
    for rows in pages(tx, "invariants_of_files.files"):
        for row in rows:
            yield from damage.guard(row["id"], _file(row))
        on_page(len(rows))
    for rows in pages(tx, "invariants_of_files.uploads"):
        for row in rows:
            yield from damage.guard(row["id"], _upload(row))
    for row in tx.all("invariants_of_files.parts", limit=SHOWN):
        yield Violation(row["id"], _part(row))
    for row in tx.all("invariants_of_files.blobs", limit=SHOWN):
        yield Violation(row["id"], _blob(row))


def _extent(tx: Transaction) -> Row:
    row = tx.one("invariants_of_files.extent")
    assert row is not None  # noqa: S101 # an aggregate
    return row


def _file(row: Row) -> Iterator[str]:
    file = decode(row["body"], File)
    for name in ("id", "purpose", "expires_at"):
        if row[name] != getattr(file, name):
            yield f"has {name} {row[name]} in its row and {getattr(file, name)} in its body"
    # Only an upload without any part makes a file without any blob.
    if row["blobs"] != (-1 if row["last"] is None else row["last"]) + 1:
        yield f"has {row['blobs']} blobs up to the place {row['last']}"
    elif row["bytes"] != file.bytes and not (row["blobs"] == 0 and is_lacking(file)):
        yield f"says {file.bytes} bytes, and its blobs have {row['bytes']}"


def _upload(row: Row) -> Iterator[str]:
    upload = decode(row["body"], Upload)
    for name in ("id", "status", "expires_at"):
        if row[name] != getattr(upload, name):
            yield f"has {name} {row[name]} in its row and {getattr(upload, name)} in its body"
    if (upload.status == UploadStatus.COMPLETED) != (upload.file is not UNSET):
        yield f"is {upload.status} {'without' if upload.file is UNSET else 'with'} a file"
    # Whatever ends an upload takes its parts along.
    if upload.status != UploadStatus.PENDING and row["parts"]:
        yield f"is {upload.status} with {row['parts']} parts left"


def _part(row: Row) -> str:
    if not row["has_upload"]:
        return f"is of the upload {row['upload_id']}, of which none is"
    return f"has {row['blobs']} blobs"


def _blob(row: Row) -> str:
    if row["state"] == "kept" and None not in (row["owner"], row["place"], row["bytes"]):
        return f"is the content of {row['owner']}, of which none is"
    return (
        f"is {row['state']} with owner {row['owner']}, place {row['place']}, bytes {row['bytes']} "
        f"and lease {row['lease_until']}"
    )
