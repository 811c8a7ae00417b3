"""What must be true of a whole database, whatever was killed, hung or lost before.

The rules are derived from the tables of `lifecycle.py` and from what the commands promise. They
are read-only, and meant for a snapshot: `perdure doctor --verify` and the tests of durability
use them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

import msgspec

from perdure.commands.invariants import files, log, parts, vector_stores, webhooks
from perdure.commands.invariants import runs as of_runs
from perdure.commands.invariants.pages import SHOWN, pages
from perdure.commands.invariants.story import StoredMessage, StoredStep, Story, Violation
from perdure.store.database import Row, Transaction
from perdure.wire.base import decode
from perdure.wire.chat import Extras
from perdure.wire.events import Event
from perdure.wire.messages import Message
from perdure.wire.run_steps import MessageCreation, RunStep
from perdure.wire.runs import Run
from perdure.wire.usage import Usage

__all__ = ["Extent", "Violation", "check", "count"]

T = TypeVar("T")

# Without any event, nothing that is stored can be said to have been told.
_NEVER = 2**62


class _Piece(NamedTuple):
    """Some runs with their parts, by run."""

    runs: list[Row]
    steps: dict[str, list[Row]]
    messages: dict[str, list[Row]]
    events: dict[str, list[Row]]


class Extent(NamedTuple):
    """How much there is to check."""

    runs: int
    files: int
    vector_stores: int


def count(tx: Transaction) -> Extent:
    """How much there is to check."""
    return Extent(int(_extent(tx)["runs"]), files.count(tx), vector_stores.count(tx))


def check(
    tx: Transaction, *, looked_at: Callable[[int], None] = lambda _: None
) -> Iterator[Violation]:
    """Reads the whole database, piece by piece, and yields what cannot be.

    `looked_at` is called after each piece with the number of runs, files or vector stores in it.
    All reads must be of one snapshot, and nothing is written.
    """
    yield from _of_runs(tx, looked_at)
    yield from files.check(tx, looked_at=looked_at)
    yield from vector_stores.check(tx, looked_at=looked_at)
    yield from webhooks.check(tx)


def _of_runs(tx: Transaction, looked_at: Callable[[int], None]) -> Iterator[Violation]:
    oldest = _extent(tx)["oldest"]
    for row in tx.all("invariants.crowded_threads"):
        yield Violation(row["id"], f"has {row['runs']} active runs")
    for row in tx.all("invariants.orphans", limit=SHOWN):
        yield Violation(
            row["id"], f"belongs to the {row['lacks']} {row['missing']}, of which none is"
        )
    for piece in _pieces(tx):
        for row in piece.runs:
            yield from _of_run(tx, row, piece, _NEVER if oldest is None else oldest)
        looked_at(len(piece.runs))
    for rows in pages(tx, "invariants.written_by_hand"):
        for row in rows:
            yield from _of_message_by_hand(row)


def _extent(tx: Transaction) -> Row:
    row = tx.one("invariants.extent")
    assert row is not None  # noqa: S101 # an aggregate
    return row


def _pieces(tx: Transaction) -> Iterator[_Piece]:
    for rows in pages(tx, "invariants.runs"):
        first, last = rows[0]["seq"], rows[-1]["seq"]
        steps, messages, events = (
            _by_run(tx.all(f"invariants.{name}", first=first, last=last))
            for name in ("steps", "messages", "events")
        )
        yield _Piece(rows, steps, messages, events)


def _by_run(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found = defaultdict(list)
    for row in rows:
        found[str(row["run_id"])].append(row)
    return found


def _of_run(tx: Transaction, row: Row, piece: _Piece, oldest: int) -> Iterator[Violation]:
    try:
        story = _story(tx, row, piece, oldest)
        for rule in of_runs.RULES:
            yield from (Violation(story.run.id, text) for text in rule(story))
        yield from parts.check(story)
        yield from log.check(story)
    except msgspec.DecodeError as error:
        yield Violation(row["id"], f"holds something that is no object of the API: {error}")


def _of_message_by_hand(row: Row) -> Iterator[Violation]:
    try:
        stored = StoredMessage(row, decode(row["body"], Message))
    except msgspec.DecodeError as error:
        yield Violation(row["id"], f"holds something that is no object of the API: {error}")
        return
    yield from (Violation(row["id"], text) for text in parts.by_hand(stored))


def _story(tx: Transaction, row: Row, piece: _Piece, oldest: int) -> Story:
    run_id = row["id"]
    steps = [
        StoredStep(
            step,
            decode(step["body"], RunStep),
            decode(step["usage"], Usage) if step["usage"] else None,
            decode(step["extras"], Extras) if step["extras"] else None,
        )
        for step in piece.steps.get(run_id, ())
    ]
    messages = [
        StoredMessage(message, decode(message["body"], Message))
        for message in piece.messages.get(run_id, ())
    ]
    there = {each.message.id for each in messages}
    named = [
        each.step.step_details.message_creation.message_id
        for each in steps
        if isinstance(each.step.step_details, MessageCreation)
    ]
    return Story(
        row,
        decode(row["body"], Run),
        steps,
        messages,
        [
            Event(event["seq"], event["name"], event["data"].encode())
            for event in piece.events.get(run_id, ())
        ],
        frozenset(
            message_id
            for message_id in named
            if message_id not in there and tx.one("tombstones.get", id=message_id)
        ),
        oldest,
    )
