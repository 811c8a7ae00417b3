"""`perdure runs`: the runs of a server, over HTTP like any client."""

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode

from perdure import lifecycle
from perdure.cli.client import Client, RequestRefused, read
from perdure.cli.objects import show_fields, time_of
from perdure.cli.pages import objects
from perdure.cli.run_tree import tree
from perdure.cli.terminal import line, say, tell
from perdure.wire.messages import Message
from perdure.wire.query import RESULT_CONTENT
from perdure.wire.run_steps import RunStep
from perdure.wire.runs import Run
from perdure.wire.traces import Trace

_AGAIN_SECONDS = 1.0


async def list_all(client: Client, query: Mapping[str, str], limit: int) -> None:
    """Prints runs, the newest first."""
    async with client:
        async for run in objects(client, "/runs", Run, query, limit=limit):
            say(_summary(run))


async def show(client: Client, run_id: str, *, as_json: bool) -> None:
    """Prints a run as a tree, or all that is known of it as JSON."""
    async with client:
        run = await client.get(f"/runs/{quote(run_id, safe='')}", Run)
        path = _path(run)
        trace = await client.get(f"{path}/trace", Trace)
        asked = {"order": "asc", "include[]": RESULT_CONTENT}
        steps = [step async for step in objects(client, f"{path}/steps", RunStep, asked)]
        thread = f"/threads/{quote(run.thread_id, safe='')}/messages"
        of_run = {"order": "asc", "run_id": run.id}
        messages = [each async for each in objects(client, thread, Message, of_run)]
    if as_json:
        for each in (run, *steps, *messages, trace):
            show_fields(each, as_json=True)
        return
    for row in tree(run, steps, messages, trace):
        say(row)


async def cancel_all(client: Client, run_ids: Sequence[str]) -> bool:
    """Cancels runs. Returns True if one of them could not be cancelled."""
    failed = False
    async with client:
        for run_id in run_ids:
            try:
                run = await client.get(f"/runs/{quote(run_id, safe='')}", Run)
                run = await client.post(f"{_path(run)}/cancel", {}, Run)
                say(f"{line(run.id)}  {line(run.status)}")
            except RequestRefused as error:
                failed = True
                tell(f"{run_id}: {error}")
    return failed


async def watch_all(client: Client) -> None:
    """Prints each change of any run, until it is interrupted."""
    query: dict[str, str] = {}
    async with client:
        while True:
            async for event in client.events(f"/runs/stream?{urlencode(query)}"):
                say(_summary(read(event.data, Run)))
                query = {"after": event.id}
            # The server ends or starts again.
            await asyncio.sleep(_AGAIN_SECONDS)


async def watch(client: Client, run_id: str) -> None:
    """Prints the events of one run but for its tokens, from its start until it ends or waits for
    outputs of tools.
    """
    async with client:
        run = await client.get(f"/runs/{quote(run_id, safe='')}", Run)
        async for event in client.events(f"{_path(run)}/stream"):
            if event.name not in (lifecycle.MESSAGE_DELTA, lifecycle.STEP_DELTA):
                say(line(event.name))
        say(_summary(await client.get(_path(run), Run)))


def _path(run: Run) -> str:
    return f"/threads/{quote(run.thread_id, safe='')}/runs/{quote(run.id, safe='')}"


def _summary(run: Run) -> str:
    """Returns the run on one line."""
    why = ""
    if run.last_error:
        why = f"  {line(run.last_error.code)}: {line(run.last_error.message)}"
    elif run.incomplete_details:
        why = f"  {line(run.incomplete_details.reason)}"
    ids = f"{line(run.id)}  {time_of(run.created_at)}  {line(run.status):<15}"
    return f"{ids}  {line(run.thread_id)}  {line(run.model)}{why}"
