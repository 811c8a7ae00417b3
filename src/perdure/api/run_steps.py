"""Run steps over HTTP (spec 02 §8)."""

from perdure.api.http import Answer, ApiCall
from perdure.commands import lists, run_steps, runs
from perdure.storage.database import Transaction
from perdure.wire.lists import Page
from perdure.wire.query import ListQuery, include
from perdure.wire.run_steps import without_contents


async def list_all(call: ApiCall) -> Answer:
    contents = include(call.request.query_params.multi_items())
    page = await call.services.database.read(
        _page,
        call.id("thread_id"),
        call.id("run_id"),
        call.list_query,
        project=call.project,
    )
    if contents:
        return page
    return page._replace(bodies=[without_contents(body.encode()).decode() for body in page.bodies])


async def retrieve(call: ApiCall) -> Answer:
    contents = include(call.request.query_params.multi_items())
    step = await call.services.database.read(
        _step,
        call.id("thread_id"),
        call.id("run_id"),
        call.id("step_id"),
        project=call.project,
    )
    return step if contents else without_contents(step.encode()).decode()


def _page(tx: Transaction, thread_id: str, run_id: str, query: ListQuery, *, project: str) -> Page:
    runs.get(tx, run_id, thread_id=thread_id, project=project)
    return lists.page(tx, "run_steps", query, project=project, parent=run_id, label="run step")


def _step(tx: Transaction, thread_id: str, run_id: str, step_id: str, *, project: str) -> str:
    runs.get(tx, run_id, thread_id=thread_id, project=project)
    return run_steps.get(tx, step_id, run_id=run_id, project=project)
