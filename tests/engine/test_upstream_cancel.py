"""A cancel reaches the model server at once; what was used until then is counted."""

import asyncio

import pytest

from perdure.lifecycle import MESSAGE_DELTA
from perdure.wire.events import Delta
from perdure.wire.runs import Run
from tests.engine.stage import SlowDatabase
from tests.engine.upstream import Upstream


async def cancel(upstream: Upstream, run: Run, database: SlowDatabase) -> None:
    """Cancels a run that is at work, and waits until the model server is left alone: before
    anything was written of what came of it, and though nothing else happens meanwhile. No loop
    looks at the run here, no time is up, and the clock stands still. (`make bench` tells how many
    milliseconds it takes.)
    """
    database.let.clear()
    await upstream.stage.acts.cancel(run.id)
    await asyncio.to_thread(upstream.server.wait_aborted, 1)
    database.let.set()


@pytest.fixture
def database_at_work(upstream: Upstream) -> SlowDatabase:
    """What the executions write with; it is quick until it is told not to be."""
    database = SlowDatabase(upstream.stage.database)
    database.let.set()
    upstream.stage.use(database)
    return database


def is_delta(told: object) -> bool:
    return isinstance(told, Delta) and told.name == MESSAGE_DELTA


@pytest.mark.parametrize("model", ["endless", "stalls"])
async def test_a_cancel_in_mid_answer_aborts_the_request(
    upstream: Upstream, database_at_work: SlowDatabase, model: str
) -> None:
    run = await upstream.begin(model)
    work = asyncio.ensure_future(upstream.stage.execute(run))
    await upstream.stage.listen_until(run, is_delta)
    await cancel(upstream, run, database_at_work)
    run = await work
    assert run.status == "cancelled"
    role, status, text = (await upstream.stage.thread(run))[-1]
    assert (role, status) == ("assistant", "incomplete")
    assert text.startswith({"endless": "on ", "stalls": "Hello "}[model])
    assert run.usage is not None
    assert run.usage.prompt_tokens == 7
    assert run.usage.completion_tokens > 0
    assert run.usage.total_tokens == 7 + run.usage.completion_tokens


async def test_a_cancel_before_the_first_word_aborts_the_request(
    upstream: Upstream, database_at_work: SlowDatabase
) -> None:
    run = await upstream.begin("silent")
    work = asyncio.ensure_future(upstream.stage.execute(run))
    await asyncio.to_thread(upstream.server.wait_asked, 1)
    await cancel(upstream, run, database_at_work)
    run = await work
    assert (run.status, run.usage) == ("cancelled", None)
    assert await upstream.stage.thread(run) == [("user", "completed", "Hello")]


async def test_what_the_server_told_of_usage_is_kept_when_its_answer_is_cancelled(
    upstream: Upstream, database_at_work: SlowDatabase
) -> None:
    """It told of 100 prompt tokens, 64 of them cached, and then said five more words."""
    run = await upstream.begin("told-then-stalls")
    work = asyncio.ensure_future(upstream.stage.execute(run))
    await upstream.stage.listen_until(run, is_last_delta)
    await cancel(upstream, run, database_at_work)
    run = await work
    assert run.usage is not None
    assert (run.usage.prompt_tokens, run.usage.total_tokens) == (
        100, 100 + run.usage.completion_tokens,
    )  # fmt: skip
    assert run.usage.completion_tokens == 8
    assert run.usage.prompt_token_details.cached_tokens == 64
    assert run.usage.completion_tokens_details.reasoning_tokens == 1


def is_last_delta(told: object) -> bool:
    return isinstance(told, Delta) and told.text == "server."


@pytest.mark.parametrize(
    ("model", "status"),
    [("detailed", "completed"), ("detailed-length", "incomplete"), ("detailed-filter", "failed"),
     ("detailed-cut", "failed")],
)  # fmt: skip
async def test_cached_and_reasoning_tokens_are_counted_however_the_run_ends(
    upstream: Upstream, model: str, status: str
) -> None:
    run = await upstream.run(model)
    assert run.status == status
    assert run.usage is not None
    assert run.usage.prompt_token_details.cached_tokens == 64
    assert run.usage.completion_tokens_details.reasoning_tokens == 20
    assert (run.usage.prompt_tokens, run.usage.completion_tokens, run.usage.total_tokens) == (
        100, 30, 130,
    )  # fmt: skip
