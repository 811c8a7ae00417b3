"""Existing files, for all rules that get the ids of files."""

from collections.abc import Iterable, Mapping

from perdure import ids
from perdure.errors import BadRequest
from perdure.storage.database import Transaction
from perdure.wire.base import decode, encode
from perdure.wire.files import File


def find(tx: Transaction, file_ids: Iterable[str], *, project: str) -> dict[str, File]:
    """Returns those of the files that the project has, by id."""
    asked = encode([each for each in file_ids if ids.is_possible(each)]).decode()
    files = [decode(row["body"], File) for row in tx.all("files.known", ids=asked, project=project)]
    return {file.id: file for file in files}


def require(tx: Transaction, paths: Mapping[str, str], *, project: str) -> dict[str, File]:
    """Returns the files by id. `paths` gives for each id its place in the request.

    Raises `BadRequest` where one does not exist (spec 05 §3.5).
    """
    found = find(tx, paths, project=project) if paths else {}
    if missing := [file_id for file_id in paths if file_id not in found]:
        raise BadRequest(f"The files {missing} were not found.", param=paths[missing[0]])
    return found
