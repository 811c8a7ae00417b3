"""What is stored after the load, judged: the invariants, and how each single run ended."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from perdure import invariants, lifecycle, storage
from perdure.commands import run_steps
from perdure.invariants import Violation
from perdure.lifecycle import MessageStatus
from perdure.storage.database import Transaction
from perdure.wire.base import decode
from perdure.wire.messages import Message, text
from perdure.wire.run_steps import RunStep, ToolCalls, functions
from perdure.wire.runs import Run
from tests.durability.load import Load
from tests.durability.scripts import Script, output, script

_AT_ONCE = 200


def judge(url: str | None, data_dir: Path, load: Load) -> tuple[int, list[Violation]]:
    """How many runs there are, and all that is wrong with them."""
    with storage.snapshot(url, data_dir) as tx:
        wrong = list(invariants.check(tx))
        count, seen = 0, set[str]()
        for run in _runs(tx):
            count += 1
            seen.add(run.id)
            wrong += [Violation(run.id, text) for text in _judged(tx, run)]
            wrong += [Violation(run.id, text) for text in _heard(tx, run, load.heard)]
    wrong += [
        Violation(run_id, "was told to a client, and is gone") for run_id in load.known - seen
    ]
    wrong += [Violation("a client", text) for text in (*load.complaints, *load.client.broken)]
    return count, wrong


def unfinished(url: str | None, data_dir: Path) -> list[Run]:
    """The runs that have not ended."""
    with storage.snapshot(url, data_dir) as tx:
        return [run for run in _runs(tx) if run.status in lifecycle.ACTIVE]


def _runs(tx: Transaction) -> Iterator[Run]:
    after = 0
    while rows := tx.all("invariants.runs", after=after, limit=_AT_ONCE):
        yield from (decode(row["body"], Run) for row in rows)
        after = rows[-1]["seq"]


def _judged(tx: Transaction, run: Run) -> Iterator[str]:
    """The run ended as its script says, with its texts and its calls, each of them once."""
    expected = script(run.metadata)
    if run.status != expected.status:
        yield f"ended {run.status}, and should have {expected.status}: {run.last_error}"
        return
    if expected.error and (run.last_error is None or run.last_error.code != expected.error):
        yield f"failed with {run.last_error}"
    if run.status not in ("completed", "incomplete"):
        return
    steps = [step for step, _ in run_steps.of_run(tx, run.id) if step.status == "completed"]
    if (said := _texts(tx, run)) != list(expected.texts):
        yield f"says {said}, and should {list(expected.texts)}"
    if (called := _calls(steps)) != _answered(expected):
        yield f"called {called}, and should {_answered(expected)}"


def _texts(tx: Transaction, run: Run) -> list[str]:
    rows = tx.all("messages.of_run", run_id=run.id)
    written = [decode(row["body"], Message) for row in rows]
    # What a dead worker left, and the next one could not use, says nothing.
    return [
        text(message).strip()
        for message in written
        if message.status == MessageStatus.COMPLETED or text(message)
    ]


def _calls(steps: list[RunStep]) -> list[tuple[str, str, str | None]]:
    return [
        (call.function.name, call.function.arguments, call.function.output)
        for step in steps
        if isinstance(step.step_details, ToolCalls)
        for call in functions(step.step_details)
    ]


def _answered(expected: Script) -> list[tuple[str, str, str | None]]:
    return [(name, arguments, output(name, arguments)) for name, arguments in expected.calls]


def _heard(tx: Transaction, run: Run, heard: Mapping[str, list[str]]) -> Iterator[str]:
    """Who listened, through all breaks, heard what was stored: all of it, in order, once."""
    if run.id not in heard:
        return
    names = [row["name"] for row in tx.all("events.after", run_id=run.id, after=0)]
    rest = next(place for place, name in enumerate(names) if name in lifecycle.STREAM_ENDS)
    if heard[run.id] != names[: rest + 1]:
        yield f"was heard as {heard[run.id]}, and told as {names}"
