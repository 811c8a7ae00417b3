"""Supply of the content of a file that was imported without it (spec 10 §3.2)."""

from msgspec.structs import replace

from perdure.commands import blobs, imported_objects, store_membership
from perdure.commands.blobs import WrittenBlob
from perdure.commands.files import clean_name
from perdure.errors import BadRequest, NotFound
from perdure.storage.database import Transaction
from perdure.wire.base import decode, encode
from perdure.wire.files import File
from perdure.wire.vector_store_files import VectorStoreFile


def supply(tx: Transaction, file_id: str, name: str, blob: WrittenBlob, *, project: str) -> File:
    """Gives a file its content, which vector stores read then. A file that stood in for one of an
    unknown name gets this name.

    Raises `NotFound`, and `BadRequest` where the file has its content, or had one of another size.
    """
    row = tx.one("files.lock", id=file_id, project=project)
    if row is None:
        raise NotFound(f"No such File object: {file_id}", param="id")
    had = decode(row["body"], File)
    if not imported_objects.is_lacking(had):
        raise BadRequest(f"The file {file_id} has its content.", code="file_not_lacking")
    is_stand_in = had.filename == had.id
    if had.bytes not in (0, blob.bytes):
        raise BadRequest(
            f"The file {file_id} had {had.bytes} bytes, and this one has {blob.bytes}.",
            param="file",
            code="invalid_value",
        )
    file = imported_objects.file(had, bytes_=blob.bytes, keep_expired=False)
    if is_stand_in:
        file = replace(file, filename=clean_name(name))
        tx.run("vector_store_files.rename", file_id=file_id, filename=file.filename)
    tx.run("files.update", id=file_id, project=project, body=encode(file).decode())
    blobs.keep(tx, blob, owner=file_id)
    read_again(tx, file_id)
    return file


def read_again(tx: Transaction, file_id: str) -> None:
    """Lets vector stores read a file whose content was missing until now."""
    for row in tx.all("vector_store_files.failed_of_file", file_id=file_id):
        found = decode(row["body"], VectorStoreFile)
        store_membership.retry(tx, row["seq"], found)
