"""Runs whose searches find more than the model's window can take (spec 06 §1.1)."""

import re
from typing import Any

from perdure.wire.run_steps import RunStep
from perdure.wire.runs import Run, TruncationStrategy
from tests.engine import filled_stores
from tests.engine.stage import Stage
from tests.engine.upstream import Upstream

# sixteen passages of 600 words for each of the words that the model looks for
PASSAGES = {
    f"{word}_txt": "\n".join(f"{word} {place} " + "word " * 598 for place in range(16))
    for word in ("alpha", "beta", "gamma")
}
MODEL = "searching-window-8192"


async def begin(stage: Stage, **fields: Any) -> Run:
    """A queued run that will search three times."""
    store_id = await filled_stores.store(stage, **PASSAGES)
    return await filled_stores.begin(stage, "Tell me.", store_id, model=MODEL, **fields)


def shown(body: dict[str, Any]) -> list[list[str]]:
    """The markers of the passages in each answer of the tool."""
    return [
        re.findall("【.*?】", message["content"])
        for message in body["messages"]
        if message["role"] == "tool"
    ]


def markers(step: RunStep, output: int) -> list[str]:
    """The markers of all passages that a search has found."""
    results = filled_stores.search_of(step).file_search.results
    return [f"【{output}:{place}†{found.file_name}】" for place, found in enumerate(results)]


def check(steps: list[RunStep], shows: list[list[str]]) -> None:
    """Each search shows its best passages, in their order, and the latest most."""
    assert [len(each) for each in shows] == sorted(len(each) for each in shows)
    assert shows[-1]
    for output, (step, each) in enumerate(zip(steps, shows, strict=True), 4):
        found = markers(step, output)
        assert each == found[: len(each)]
        assert len(each) <= len(found)


async def test_a_known_window_is_kept_however_much_is_found(upstream: Upstream) -> None:
    """Nothing is refused on the way: each request fits at the first try."""
    upstream.use(windows={"searching-*": 8192})
    run = await upstream.stage.execute(await begin(upstream.stage))
    assert (run.status, run.last_error) == ("completed", None)
    bodies = upstream.bodies()
    assert len(bodies) == 4
    *searches, _ = await upstream.stage.steps(run)
    shows = shown(bodies[-1])
    check(searches, shows)
    # a third of the window for each search, and all three are more than there is room for
    assert [len(markers(step, 4)) for step in searches] == [4, 4, 4]
    assert [len(each) for each in shows] == [2, 3, 4]


async def test_a_window_that_is_learnt_from_a_refusal_makes_passages_fewer(
    upstream: Upstream,
) -> None:
    run = await upstream.stage.execute(await begin(upstream.stage))
    assert (run.status, run.last_error) == ("completed", None)
    bodies = upstream.bodies()
    # the second was refused, and made again with less
    assert len(bodies) == 5
    *searches, _ = await upstream.stage.steps(run)
    assert [len(each) for body in bodies[1:3] for each in shown(body)] == [16, 9]
    check(searches, shown(bodies[-1]))


async def test_a_long_thread_and_what_was_found_share_the_window(upstream: Upstream) -> None:
    before = [f"{number} " + "word " * 99 for number in range(80)]
    upstream.use(windows={"searching-*": 8192})
    run = await upstream.stage.execute(await begin(upstream.stage, before=before))
    assert run.status == "completed"
    last = upstream.bodies()[-1]
    assert isinstance(last["messages"], list)
    check((await upstream.stage.steps(run))[:-1], shown(last))
    assert [len(each) for each in shown(last)] == [0, 1, 3]
    of_thread = [each["content"] for each in last["messages"] if each["role"] == "user"]
    assert of_thread[-1] == "Tell me."
    assert 25 <= len(of_thread) <= 35
    emptied = next(each for each in last["messages"] if each["role"] == "tool")
    assert "left out" in emptied["content"]


async def test_messages_that_were_asked_for_stay_and_passages_make_room(
    upstream: Upstream,
) -> None:
    before = [f"{number} " + "word " * 99 for number in range(48)]
    upstream.use(windows={"searching-*": 8192})
    strategy = TruncationStrategy(type="last_messages", last_messages=49)
    begun = await begin(upstream.stage, before=before, truncation_strategy=strategy)
    run = await upstream.stage.execute(begun)
    assert run.status == "completed"
    last = upstream.bodies()[-1]
    assert isinstance(last["messages"], list)
    assert [each["content"] for each in last["messages"][:49]] == [*before, "Tell me."]
    assert [len(each) for each in shown(last)] == [0, 0, 1]
