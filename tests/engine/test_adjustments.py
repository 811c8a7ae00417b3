"""What is learnt of model servers is kept for a day, and by all servers of a database."""

import pytest

from perdure.commands import adjustments
from perdure.engine.adjustments import SharedAdjustmentMemory
from perdure.engine.maintenance import Maintenance
from perdure.errors import Unavailable
from perdure.wire.tools import FunctionChoice, FunctionDefinition, FunctionName, FunctionTool
from tests.engine.stage import AbsentDatabase, Stage
from tests.engine.upstream import Upstream

DAY = adjustments.LIFETIME_SECONDS
URL, MODEL = "http://m/v1", "m"


@pytest.fixture
def memory(stage: Stage) -> SharedAdjustmentMemory:
    return SharedAdjustmentMemory(stage.database, stage.clock)


async def test_another_server_knows_what_one_has_learnt(
    stage: Stage, memory: SharedAdjustmentMemory
) -> None:
    other = SharedAdjustmentMemory(stage.database, stage.clock)
    assert await other.of(URL, MODEL) == frozenset()
    await memory.learn(URL, MODEL, {"a", "b"})
    await memory.learn(URL, "n", {"c"})
    assert await memory.of(URL, MODEL) == {"a", "b"}
    stage.clock.advance(30)
    assert await other.of(URL, MODEL) == {"a", "b"}
    assert await other.of("http://n/v1", MODEL) == frozenset()


async def test_what_was_learnt_is_known_behind_a_restart(
    stage: Stage, memory: SharedAdjustmentMemory
) -> None:
    await memory.learn(URL, MODEL, {"a"})
    assert await SharedAdjustmentMemory(stage.database, stage.clock).of(URL, MODEL) == {"a"}


async def test_it_is_forgotten_after_a_day_and_may_be_learnt_again(
    stage: Stage, memory: SharedAdjustmentMemory
) -> None:
    await memory.learn(URL, MODEL, {"a"})
    stage.clock.advance(DAY - 1)
    await memory.learn(URL, MODEL, {"b"})
    assert await memory.of(URL, MODEL) == {"a", "b"}
    stage.clock.advance(2)
    assert await memory.of(URL, MODEL) == {"b"}
    await memory.learn(URL, MODEL, {"a"})
    assert await SharedAdjustmentMemory(stage.database, stage.clock).of(URL, MODEL) == {"a", "b"}


async def test_what_is_forgotten_goes_from_the_database(
    stage: Stage, memory: SharedAdjustmentMemory
) -> None:
    await memory.learn(URL, MODEL, {"a"})
    keeper = Maintenance(stage.database, stage.clock, event_retention_days=30)
    await keeper.forget()
    now = int(stage.clock.now())
    assert [each.name for each in await stage.database.read(adjustments.list_known, now=now)] == [
        "a"
    ]
    stage.clock.advance(DAY + 1)
    await keeper.forget()
    assert await stage.database.read(adjustments.list_known, now=now) == []


async def test_a_database_that_is_away_fails_no_call(stage: Stage) -> None:
    away = AbsentDatabase(stage.database, crash_at=1, committed=False)
    memory = SharedAdjustmentMemory(away, stage.clock)
    with pytest.raises(Unavailable):
        await away.write(adjustments.learn, URL, MODEL, {"x"}, now=0)
    away = AbsentDatabase(stage.database, crash_at=1, committed=False)
    memory = SharedAdjustmentMemory(away, stage.clock)
    await memory.learn(URL, MODEL, {"a"})
    assert await SharedAdjustmentMemory(stage.database, stage.clock).of(URL, MODEL) == frozenset()


@pytest.mark.parametrize("model", ["a\0b", "a\nb", "m" * 257, "\ud800"])
async def test_a_name_that_no_model_has_is_not_remembered(
    stage: Stage, memory: SharedAdjustmentMemory, model: str
) -> None:
    await memory.learn(URL, model, {"a"})
    assert await memory.of(URL, model) == frozenset()
    assert await stage.database.read(adjustments.list_known, now=int(stage.clock.now())) == []


async def test_a_run_is_refused_once_and_the_next_of_another_server_never(
    upstream: Upstream,
) -> None:
    """The run forces a function; the model server takes a word for that, and no object."""
    model = "words for choices"
    tool = FunctionTool(function=FunctionDefinition(name="get_weather"))
    forced = FunctionChoice(function=FunctionName(name="get_weather"))
    for expected in (2, 3):
        upstream.use(memory=SharedAdjustmentMemory(upstream.stage.database, upstream.stage.clock))
        run = await upstream.run(model, tools=[tool], tool_choice=forced)
        assert run.status == "requires_action"
        await upstream.close()
        assert len(upstream.bodies()) == expected
    assert [body["tool_choice"] for body in upstream.bodies()[1:]] == ["required", "required"]
