"""Rules for uploads in parts (spec 01 §13, 02 §11). Only `_signal` changes an upload's status."""

from typing import NamedTuple

from msgspec.structs import replace

from perdure import ids, lifecycle
from perdure.commands import blobs, files, moves
from perdure.commands.blobs import WrittenBlob
from perdure.errors import BadRequest, NotFound
from perdure.lifecycle import Signal, UploadStatus
from perdure.storage.database import Row, Transaction
from perdure.wire.base import decode, encode
from perdure.wire.files import File
from perdure.wire.uploads import MAX_UPLOAD_BYTES, CompleteUpload, CreateUpload, Part, Upload

_LIFETIME = 3600


class LockedUpload(NamedTuple):
    """An upload, locked against other writers until the transaction ends."""

    upload: Upload
    file_lifetime: int | None


def create(tx: Transaction, body: CreateUpload, *, project: str, now: int) -> Upload:
    """Adds an upload that waits for its parts for an hour."""
    upload = Upload(
        id=ids.new_hex(ids.UPLOAD),
        bytes=body.bytes,
        created_at=now,
        filename=files.clean_name(body.filename),
        purpose=body.purpose,
        expires_at=now + _LIFETIME,
    )
    tx.run(
        "uploads.insert",
        id=upload.id,
        project=project,
        status=upload.status,
        expires_at=upload.expires_at,
        file_lifetime=body.expires_after.seconds if body.expires_after else None,
        body=encode(upload).decode(),
    )
    return upload


def require_pending(
    tx: Transaction, upload_id: str, signal: Signal, *, project: str, now: int
) -> Upload:
    """Returns the upload, if it would take the signal now. Raises `NotFound` and `BadRequest`."""
    row = _found(tx.one("uploads.get", id=upload_id, project=project), upload_id)
    upload = decode(row["body"], Upload)
    _require_pending(upload, signal, now=now)
    return upload


def add_part(tx: Transaction, upload_id: str, blob: WrittenBlob, *, project: str, now: int) -> Part:
    """Adds the received blob to the upload, as a part."""
    _lock(tx, upload_id, Signal.MODIFY, project=project, now=now)
    received = sum(row["bytes"] for row in tx.all("uploads.parts", upload_id=upload_id))
    if received + blob.bytes > MAX_UPLOAD_BYTES:
        raise BadRequest(
            f"The parts of upload '{upload_id}' would have more than {MAX_UPLOAD_BYTES} bytes."
        )
    part = Part(id=ids.new_hex(ids.PART), created_at=now, upload_id=upload_id)
    tx.run("uploads.add_part", id=part.id, upload_id=upload_id)
    blobs.keep(tx, blob, owner=part.id)
    return part


def blobs_of(
    tx: Transaction, upload_id: str, body: CompleteUpload, *, project: str, now: int
) -> list[WrittenBlob]:
    """Returns the blobs that would make the file. Raises `BadRequest` as `complete` does."""
    upload = require_pending(tx, upload_id, Signal.COMPLETE, project=project, now=now)
    return _blobs_of(tx, upload, body)


def complete(
    tx: Transaction, upload_id: str, body: CompleteUpload, *, project: str, now: int
) -> Upload:
    """Creates a file from the named parts, in their order; other parts are dropped.

    No byte is copied: the parts' blobs become the file's. The caller has checked `md5`.
    """
    held = _lock(tx, upload_id, Signal.COMPLETE, project=project, now=now)
    _blobs_of(tx, held.upload, body)
    file = File(
        id=ids.new_file(),
        bytes=held.upload.bytes,
        created_at=now,
        expires_at=None if held.file_lifetime is None else now + held.file_lifetime,
        filename=held.upload.filename,
        purpose=held.upload.purpose,
    )
    files.insert(tx, file, project=project)
    tx.many(
        "blobs.hand_over",
        [
            {"owner": part_id, "heir": file.id, "place": place}
            for place, part_id in enumerate(body.part_ids)
        ],
    )
    return _signal(tx, replace(held.upload, file=file), Signal.COMPLETE, project=project)


def cancel(tx: Transaction, upload_id: str, *, project: str, now: int) -> Upload:
    """Ends the upload without a file."""
    held = _lock(tx, upload_id, Signal.CANCEL, project=project, now=now)
    return _signal(tx, held.upload, Signal.CANCEL, project=project)


def expire_due(tx: Transaction, *, now: int, limit: int) -> int:
    """Ends uploads past their time. Returns the number of uploads that it checked."""
    rows = tx.all("uploads.due", now=now, limit=limit)
    for row in rows:
        locked = tx.one("uploads.lock", id=row["id"], project=row["project"])
        # Between the look and the lock, another server may have been faster.
        if locked and locked["status"] == UploadStatus.PENDING:
            _signal(tx, decode(locked["body"], Upload), Signal.EXPIRE, project=row["project"])
    return len(rows)


def _signal(tx: Transaction, upload: Upload, signal: Signal, *, project: str) -> Upload:
    """Ends an upload. Its remaining parts are deleted with it."""
    move = lifecycle.UPLOAD.require(upload.id, upload.status, signal)
    ended = replace(upload, status=UploadStatus(move.target))
    moves.write(
        tx,
        "uploads.move",
        f"upload {upload.id}",
        was=upload.status,
        id=upload.id,
        project=project,
        status=ended.status,
        body=encode(ended).decode(),
    )
    tx.run("blobs.doom_of_upload", upload_id=upload.id)
    tx.run("uploads.drop_parts", upload_id=upload.id)
    return ended


def _lock(
    tx: Transaction, upload_id: str, signal: Signal, *, project: str, now: int
) -> LockedUpload:
    row = _found(tx.one("uploads.lock", id=upload_id, project=project), upload_id)
    upload = decode(row["body"], Upload)
    _require_pending(upload, signal, now=now)
    return LockedUpload(upload, row["file_lifetime"])


def _require_pending(upload: Upload, signal: Signal, *, now: int) -> None:
    status = upload.status
    if status is UploadStatus.PENDING and upload.expires_at <= now:
        status = UploadStatus.EXPIRED
    if status is not UploadStatus.PENDING:
        raise BadRequest(lifecycle.UPLOAD_REFUSALS[signal].format(status=status))


def _blobs_of(tx: Transaction, upload: Upload, body: CompleteUpload) -> list[WrittenBlob]:
    """Returns the named parts' blobs. Raises `BadRequest` for an unknown part, one that is named
    twice, and sizes that do not add up.
    """
    parts = {row["id"]: row for row in tx.all("uploads.parts", upload_id=upload.id)}
    found: dict[str, WrittenBlob] = {}
    for place, part_id in enumerate(body.part_ids):
        param = f"part_ids[{place}]"
        if part_id not in parts:
            raise BadRequest(f"No part found with id '{part_id}' in this upload.", param=param)
        if part_id in found:
            raise BadRequest(f"The part '{part_id}' is named twice.", param=param)
        found[part_id] = _blob_of(parts[part_id])
    total = sum(blob.bytes for blob in found.values())
    if total != upload.bytes:
        raise BadRequest(
            f"The parts have {total} bytes, but the upload was created for {upload.bytes} bytes."
        )
    return list(found.values())


def _blob_of(part: Row) -> WrittenBlob:
    return WrittenBlob(part["blob"], part["bytes"], part["location"])


def _found(row: Row | None, upload_id: str) -> Row:
    if row is None:
        raise NotFound(f"No upload found with id '{upload_id}'.")
    return row
