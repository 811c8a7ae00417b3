"""Import of threads with their runs, run steps and messages."""

from perdure.commands import imported_objects, messages, resources, runs
from perdure.commands.export_references import of_message, of_tools
from perdure.commands.import_batches import Batch, Importing, Line, Written
from perdure.commands.import_gaps import fill
from perdure.storage.database import Row
from perdure.wire import exchange
from perdure.wire.base import decode, encode
from perdure.wire.exchange import TABLES, UnreadableLine
from perdure.wire.messages import Message
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import Run
from perdure.wire.threads import Thread
from perdure.wire.tools import ToolResources
from perdure.wire.usage import Usage


def add(importing: Importing, batch: Batch) -> None:
    """Adds threads, or what belongs to a thread that is there."""
    if batch.kind == "thread":
        _add_threads(importing, batch)
        return
    homes = _in_their_threads(importing, batch)
    if batch.kind == "thread.run":
        _add_runs(importing, homes)
    elif batch.kind == "thread.run.step":
        _add_steps(importing, homes)
    else:
        _add_messages(importing, homes)


def add_tools(importing: Importing, line: Line, tools: ToolResources | None) -> None:
    """Notes the files that an assistant or a thread lists, and fills the gaps among them."""
    files, stores = of_tools(tools)
    if files:
        fill(importing, line, files=files, is_needed=True)
    fill(importing, line, stores=stores)
    resources.note(importing.tx, line.body.id, tools)


def _add_threads(importing: Importing, batch: Batch) -> None:
    known = importing.known("threads", batch)
    for line in batch.lines:
        assert isinstance(line.body, Thread)  # noqa: S101 # by its kind
        row = known.get(line.body.id)
        columns = {
            "id": line.body.id,
            "project": line.project,
            "body": encode(line.body).decode(),
        }
        is_same = row is not None and decode(row["body"], Thread) == line.body
        if importing.settle(line, row, columns, is_same=is_same) is not Written.NOT:
            add_tools(importing, line, line.body.tool_resources)


def _in_their_threads(importing: Importing, batch: Batch) -> Batch:
    """Returns the lines whose thread is there, with its project; the others are reported."""
    found = importing.rows("threads", {_thread_of(line) for line in batch.lines})
    projects = {thread_id: row["project"] for thread_id, row in found.items()}
    for thread_id in projects:
        importing.tx.one("threads.lock", id=thread_id, project=projects[thread_id])
    asked = importing.options.project
    lines = []
    for line in batch.lines:
        project = projects.get(_thread_of(line))
        if project is None or project != (asked or line.mark.project or project):
            reason = f"Its thread {_thread_of(line)[:64]} is not here."
            importing.tally.fail(line.number, line.kind, line.body.id, reason)
        else:
            lines.append(line._replace(project=project))
    return batch._replace(lines=lines)


def _thread_of(line: Line) -> str:
    assert isinstance(line.body, Run | RunStep | Message)  # noqa: S101 # by its kind
    return line.body.thread_id


def _add_runs(importing: Importing, batch: Batch) -> None:
    bodies = [line.body for line in batch.lines if isinstance(line.body, Run)]
    open_ids = {run.id for run in bodies if imported_objects.is_in_hand(run)}
    used = _usage_of_steps(importing, open_ids) if open_ids else {}
    importing.tally.cut_runs += len(open_ids)
    rows = {}
    for run in bodies:
        usage = runs.usage_of(used.get(run.id, ()), run.status) if run.id in open_ids else None
        rows[run.id] = imported_objects.run(run, usage, now=importing.options.now)
    _write(
        importing,
        batch,
        {
            line.body.id: imported_objects.run_columns(rows[line.body.id], project=line.project)
            for line in batch.lines
        },
    )


def _usage_of_steps(importing: Importing, run_ids: set[str]) -> dict[str, list[Usage | None]]:
    """Returns what the steps of these runs used, from the lines of the group."""
    used: dict[str, list[Usage | None]] = {}
    for _, text in importing.lines():
        try:
            if exchange.head(text).run_id not in run_ids:
                continue
            body = exchange.read(text).body
        except UnreadableLine:
            continue
        if isinstance(body, RunStep):
            used.setdefault(body.run_id, []).append(body.usage)
    return used


def _add_steps(importing: Importing, batch: Batch) -> None:
    bodies = {line.body.id: line.body for line in batch.lines if isinstance(line.body, RunStep)}
    known = importing.rows("runs", {step.run_id for step in bodies.values()})
    lines, columns = [], {}
    for line in batch.lines:
        step = bodies[line.body.id]
        run = known.get(step.run_id)
        if run is None or run["thread_id"] != step.thread_id:
            reason = f"Its run {step.run_id[:64]} is not here."
            importing.tally.fail(line.number, line.kind, step.id, reason)
            continue
        ended = imported_objects.step(step, now=importing.options.now)
        lines.append(line)
        columns[step.id] = imported_objects.step_columns(ended, project=line.project)
    _write(importing, batch._replace(lines=lines), columns)


def _add_messages(importing: Importing, batch: Batch) -> None:
    columns: dict[str, dict[str, object]] = {}
    for line in batch.lines:
        assert isinstance(line.body, Message)  # noqa: S101 # by its kind
        ended = imported_objects.message(line.body, now=importing.options.now)
        columns[ended.id] = {**messages.row_of(ended, project=line.project)}
        fill(importing, line, files=[*of_message(ended)])
    _write(importing, batch, columns)


def _write(importing: Importing, batch: Batch, columns: dict[str, dict[str, object]]) -> None:
    known = importing.known(TABLES[batch.kind], batch)
    new = []
    for line in batch.lines:
        row = known.get(line.body.id)
        if row is None:
            new.append((line, columns[line.body.id]))
        elif not _is_home(row, line):
            importing.tally.fail(line.number, line.kind, line.body.id, "Its id is taken.")
        else:
            is_same = _is_same(row, line, str(columns[line.body.id]["body"]))
            importing.settle(line, row, columns[line.body.id], is_same=is_same)
    importing.insert_all(batch.kind, new)


def _is_home(row: Row, line: Line) -> bool:
    """Returns True if what is there belongs to the same thread, or run."""
    if isinstance(line.body, RunStep):
        return bool(row["run_id"] == line.body.run_id)
    return bool(row["thread_id"] == _thread_of(line))


def _is_same(row: Row, line: Line, body: str) -> bool:
    assert isinstance(line.body, Run | RunStep | Message)  # noqa: S101 # by its kind
    # What was cut off has the time of the import that did it.
    if row["imported"] and imported_objects.is_in_hand(line.body):
        return True
    had = decode(row["body"], type(line.body))
    # Where it came from, it may still be in hand.
    return had in (line.body, decode(body, type(line.body)))
