"""Invariants of a whole database, which hold whatever was killed, hung or lost before.

The rules are derived from the tables of `lifecycle.py` and from the promises of the commands. They
only read, and are meant for a snapshot: `perdure doctor --verify` and the tests of durability use
them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from perdure import ids
from perdure.invariants import (
    adjustments,
    assistants,
    damage,
    files,
    imports,
    projects,
    servers,
    steps_and_messages,
    usage,
    vector_stores,
    webhooks,
)
from perdure.invariants import run_events as log_rules
from perdure.invariants import runs as of_runs
from perdure.invariants.pages import SHOWN, pages
from perdure.invariants.run_history import RunHistory, StoredMessage, StoredStep, Violation
from perdure.storage.database import Row, Transaction
from perdure.wire.base import decode
from perdure.wire.chat import Extras
from perdure.wire.events import Event
from perdure.wire.messages import Message
from perdure.wire.run_steps import MessageCreation, RunStep
from perdure.wire.runs import Run
from perdure.wire.usage import Usage

__all__ = ["Extent", "Violation", "check", "count"]

T = TypeVar("T")

# Without any event in the log, no stored object can be expected to have one.
_NEVER = 2**62


class _RunPage(NamedTuple):
    """A page of runs with their steps, messages and events, by run."""

    runs: list[Row]
    steps: dict[str, list[Row]]
    messages: dict[str, list[Row]]
    events: dict[str, list[Row]]


class Extent(NamedTuple):
    """The number of objects to check."""

    runs: int
    files: int
    vector_stores: int


def count(tx: Transaction) -> Extent:
    """Returns the number of objects to check."""
    return Extent(int(_extent(tx)["runs"]), files.count(tx), vector_stores.count(tx))


def check(
    tx: Transaction, *, on_page: Callable[[int], None] = lambda _: None
) -> Iterator[Violation]:
    """Reads the whole database, page by page, and yields violations.

    `on_page` is called after each page with the number of runs, files or vector stores in it. All
    reads must be of one snapshot, and nothing is written.
    """
    yield from _of_runs(tx, on_page)
    yield from files.check(tx, on_page=on_page)
    yield from vector_stores.check(tx, on_page=on_page)
    yield from webhooks.check(tx)
    yield from adjustments.check(tx)
    yield from servers.check(tx)
    yield from projects.check(tx)
    yield from usage.check(tx)


def _of_runs(tx: Transaction, on_page: Callable[[int], None]) -> Iterator[Violation]:
    oldest = _extent(tx)["oldest"]
    for row in tx.all("invariants.crowded_threads"):
        yield Violation(row["id"], f"has {row['runs']} active runs")
    for row in tx.all("invariants.orphans", limit=SHOWN):
        yield Violation(
            row["id"], f"belongs to the {row['lacks']} {row['missing']}, of which none is"
        )
    for page in _run_pages(tx):
        for row in page.runs:
            yield from _of_run(tx, row, page, _NEVER if oldest is None else oldest)
        on_page(len(page.runs))
    for rows in pages(tx, "invariants.written_by_hand"):
        for row in rows:
            yield from damage.guard(row["id"], _without_run(row))
    yield from assistants.check(tx)


def _extent(tx: Transaction) -> Row:
    row = tx.one("invariants.extent")
    assert row is not None  # noqa: S101 # an aggregate
    return row


def _run_pages(tx: Transaction) -> Iterator[_RunPage]:
    for rows in pages(tx, "invariants.runs"):
        first, last = rows[0]["seq"], rows[-1]["seq"]
        steps, messages, events = (
            _by_run(tx.all(f"invariants.{name}", first=first, last=last))
            for name in ("steps", "messages", "events")
        )
        yield _RunPage(rows, steps, messages, events)


def _by_run(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found = defaultdict(list)
    for row in rows:
        found[str(row["run_id"])].append(row)
    return found


def _of_run(tx: Transaction, row: Row, page: _RunPage, oldest: int) -> Iterator[Violation]:
    """Yields the violations of a run: of each of its rows by itself, and of all of them
    together.
    """
    run_id, broken = row["id"], list[Violation]()
    steps = _read(page.steps.get(run_id, ()), _step, broken)
    messages = _read(page.messages.get(run_id, ()), _message, broken)
    damaged = frozenset(each.id for each in broken)
    log = _read(page.events.get(run_id, ()), _event, broken)
    runs = _read([row], _run, broken)
    yield from broken
    for step in steps:
        if not step.row["imported"]:
            yield from damage.guard(step.step.id, steps_and_messages.step(step))
    for message in messages:
        if not message.row["imported"]:
            yield from damage.guard(message.message.id, steps_and_messages.message(message))
    for run in runs:
        deleted = _deleted(tx, steps, messages, project=row["project"])
        if row["imported"]:
            yield from imports.check(row, run, steps, messages)
            continue
        whole = len(log) == len(page.events.get(run_id, ()))
        history = RunHistory(row, run, steps, messages, log, deleted, oldest, damaged, whole)
        for rule in of_runs.RULES:
            yield from damage.guard(run_id, rule(history))
        yield from steps_and_messages.check(history)
        yield from log_rules.check(history)


def _read(rows: Iterable[Row], read: Callable[[Row], T], broken: list[Violation]) -> list[T]:
    """Returns the rows that can be read; a violation for each of the others is added to
    `broken`.
    """
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except damage.UNREADABLE as error:
            broken.append(damage.violation(row["id"], error))
    return found


def _run(row: Row) -> Run:
    return decode(row["body"], Run)


def _step(row: Row) -> StoredStep:
    return StoredStep(
        row,
        decode(row["body"], RunStep),
        decode(row["usage"], Usage) if row["usage"] else None,
        decode(row["extras"], Extras) if row["extras"] else None,
    )


def _message(row: Row) -> StoredMessage:
    return StoredMessage(row, decode(row["body"], Message))


def _event(row: Row) -> Event:
    if kind := log_rules.KINDS.get(row["name"]):
        decode(row["data"], kind)
    return Event(row["seq"], row["name"], row["data"].encode())


def _deleted(
    tx: Transaction, steps: list[StoredStep], messages: list[StoredMessage], *, project: str
) -> frozenset[str]:
    """Returns the messages that steps name and that a client has deleted."""
    there = {each.message.id for each in messages}
    named = [
        each.step.step_details.message_creation.message_id
        for each in steps
        if isinstance(each.step.step_details, MessageCreation)
    ]
    return frozenset(
        message_id
        for message_id in named
        if message_id not in there
        and ids.is_possible(message_id)
        and tx.one("tombstones.get", id=message_id, project=project)
    )


def _without_run(row: Row) -> Iterator[str]:
    if row["imported"]:
        yield from imports.message(_message(row))
    else:
        yield from steps_and_messages.message_without_run(_message(row))
