"""Files that a run's code is given (spec 01 §2.4, 03 §15), and files that it has left."""

from collections.abc import Iterable
from typing import NamedTuple

from perdure.commands import files, run_steps
from perdure.commands.files import FileContent
from perdure.storage.database import Transaction
from perdure.tools.tool import ToolError
from perdure.wire.base import decode
from perdure.wire.run_steps import RunStep, ToolCalls, outputs
from perdure.wire.runs import Run
from perdure.wire.threads import Thread
from perdure.wire.tools import ToolResources

# So many earlier runs of the thread are looked at: what a session was used for longer ago, the
# model hardly builds on.
_RUNS = 10
# What the code of a run may leave, all in all: it is on the disk until somebody deletes it.
MOST_FILES = 200
MOST_BYTES = 1024 * 1024 * 1024


class FileAllowance(NamedTuple):
    """The number and the bytes of files that the code of a run may still leave."""

    files: int
    bytes: int


def files_of_run(tx: Transaction, run: Run) -> list[FileContent]:
    """Returns the files of the assistant's tool resources and then those of the thread, each once.
    Deleted files are left out. Raises `ToolError` for one whose content an import lacked: code that
    does not find it would seem to say that there is none.
    """
    row = tx.one("threads.of_run", run_id=run.id)
    thread = decode(row["body"], Thread) if row else None
    ids = [*_listed(run.tool_resources), *_listed(thread.tool_resources if thread else None)]
    found = files.contents_for_run(tx, run.id, dict.fromkeys(ids))
    for file_id in dict.fromkeys(ids):
        if file_id not in found and files.lacks_content(tx, run.id, file_id):
            raise ToolError(files.LACKING_TEXT.format(file_id))
    return list(found.values())


def steps_before(tx: Transaction, run: Run) -> list[RunStep]:
    """Returns the steps of the thread's last runs before this one, oldest first."""
    rows = tx.all("run_steps.of_runs_before", thread_id=run.thread_id, run_id=run.id, limit=_RUNS)
    return [decode(row["body"], RunStep) for row in rows]


def steps_so_far(tx: Transaction, run: Run) -> list[RunStep]:
    """Returns the steps of the run and of the thread's last runs before it, oldest first."""
    return [*steps_before(tx, run), *(step for step, _ in run_steps.of_run(tx, run.id))]


def allowance(tx: Transaction, run: Run) -> FileAllowance:
    """The rest of the run's allowance, by what its steps name; deleted files do not count."""
    left = _left(step for step, _ in run_steps.of_run(tx, run.id))
    kept = files.contents_for_run(tx, run.id, sorted(left))
    taken = sum(content.file.bytes for content in kept.values())
    return FileAllowance(MOST_FILES - len(kept), MOST_BYTES - taken)


def withdraw(tx: Transaction, run: Run, step: RunStep, *, project: str, now: int) -> None:
    """Deletes the files that code left in a step that is executed again: it will leave them once
    more.

    A step also names files that an earlier one kept and that did not change; those stay.
    """
    others = [other for other in steps_so_far(tx, run) if other.id != step.id]
    left = _left([step]) - _left(others)
    for file_id, content in files.contents_for_run(tx, run.id, sorted(left)).items():
        if content.file.created_at >= step.created_at:
            files.delete(tx, file_id, project=project, now=now)


def _left(steps: Iterable[RunStep]) -> set[str]:
    """Returns the ids of the files that the steps name."""
    found: set[str] = set()
    for step in steps:
        if isinstance(step.step_details, ToolCalls):
            found |= outputs(step.step_details)
    return found


def _listed(tools: ToolResources | None) -> list[str]:
    return tools.code_interpreter.file_ids if tools and tools.code_interpreter else []
