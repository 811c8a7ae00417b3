"""Which files exist: for all rules that are given the ids of files."""

from collections.abc import Iterable

from perdure.errors import BadRequest
from perdure.store.database import Transaction
from perdure.wire.base import decode, encode
from perdure.wire.files import File


def find(tx: Transaction, file_ids: Iterable[str], *, project: str) -> dict[str, File]:
    """Those of the files that the project has, by id."""
    asked = encode(list(file_ids)).decode()
    files = [decode(row["body"], File) for row in tx.all("files.known", ids=asked, project=project)]
    return {file.id: file for file in files}


def require(
    tx: Transaction, file_ids: Iterable[str], *, project: str, param: str
) -> dict[str, File]:
    """The files by id. Raises `BadRequest` where one does not exist (spec 05 §3.5)."""
    asked = list(file_ids)
    found = find(tx, asked, project=project) if asked else {}
    if missing := [file_id for file_id in asked if file_id not in found]:
        raise BadRequest(f"The files {missing} were not found.", param=param)
    return found
