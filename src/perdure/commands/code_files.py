"""Which files a run's code is given (spec 01 §2.4, 03 §15)."""

from perdure.commands import files, run_steps
from perdure.commands.files import Content
from perdure.store.database import Transaction
from perdure.wire.base import decode
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import Run
from perdure.wire.threads import Thread
from perdure.wire.tools import ToolResources

# So many earlier runs of the thread are looked at: what a session was used for longer ago, the
# model hardly builds on.
_RUNS = 5


def given(tx: Transaction, run: Run) -> list[Content]:
    """The files of the assistant's tool resources and then those of the thread, each once; those
    that were deleted are left out.
    """
    row = tx.one("threads.of_run", run_id=run.id)
    thread = decode(row["body"], Thread) if row else None
    ids = [*_listed(run.tool_resources), *_listed(thread.tool_resources if thread else None)]
    found = files.contents_for_run(tx, run.id, dict.fromkeys(ids))
    return list(found.values())


def steps_so_far(tx: Transaction, run: Run) -> list[RunStep]:
    """The steps of the run and of the thread's last runs before it."""
    rows = tx.all("run_steps.of_runs_before", thread_id=run.thread_id, run_id=run.id, limit=_RUNS)
    earlier = [decode(row["body"], RunStep) for row in rows]
    return [*earlier, *(step for step, _ in run_steps.of_run(tx, run.id))]


def _listed(tools: ToolResources | None) -> list[str]:
    return tools.code_interpreter.file_ids if tools and tools.code_interpreter else []
