"""Invariants of assistants and threads, and of the files that they list (spec 01 §3 and §4)."""

from collections.abc import Iterator

from perdure import ids
from perdure.invariants import damage
from perdure.invariants.pages import pages
from perdure.invariants.run_history import Violation
from perdure.storage.database import Row, Transaction
from perdure.wire.assistants import Assistant
from perdure.wire.base import decode, encode
from perdure.wire.threads import Thread

_KINDS: dict[str, type[Assistant | Thread]] = {"assistants": Assistant, "threads": Thread}


def check(tx: Transaction) -> Iterator[Violation]:
    """Yields the violations of assistants and threads. Clients may store any text in them, so it is
    parsed here and not by the database: PostgreSQL's JSON knows no zero byte.
    """
    for table, kind in _KINDS.items():
        for rows in pages(tx, f"invariants.{table}"):
            listed: dict[str, list[str]] = {}
            for row in rows:
                yield from damage.guard(row["id"], _of(row, kind, listed))
            known = _known(tx, {file_id for each in listed.values() for file_id in each})
            for row_id, file_ids in listed.items():
                for file_id in dict.fromkeys(file_ids):
                    if file_id not in known:
                        yield Violation(row_id, f"lists the file {file_id}, of which none is")


def _of(row: Row, kind: type[Assistant | Thread], listed: dict[str, list[str]]) -> Iterator[str]:
    """Notes the files that the object lists for code_interpreter in `listed`."""
    body = decode(row["body"], kind)
    if row["id"] != body.id:
        yield f"has id {row['id']} in its row and {body.id} in its body"
    code = body.tool_resources and body.tool_resources.code_interpreter
    if code:
        listed[row["id"]] = code.file_ids


def _known(tx: Transaction, file_ids: set[str]) -> set[str]:
    """Returns those of the files that exist."""
    asked = [file_id for file_id in file_ids if ids.is_possible(file_id)]
    if not asked:
        return set()
    rows = tx.all("invariants_of_files.known_files", ids=encode(asked).decode())
    return {row["id"] for row in rows}
