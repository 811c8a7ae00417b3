"""Whatever happens on a thread, a server with a strict chat template takes the next run.

A dozen threads on each database are tried; PERDURE_TEST_THREADS=1000 in the environment tries more.
"""

import asyncio
import os
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.engine.adjustments import SharedAdjustmentMemory
from perdure.errors import BadRequest
from perdure.wire.events import Delta
from perdure.wire.messages import CreateMessage
from perdure.wire.runs import Run, TruncationStrategy
from perdure.wire.tools import (
    FunctionChoice,
    FunctionDefinition,
    FunctionName,
    FunctionTool,
    ToolChoice,
)
from tests.engine.upstream import Upstream
from tests.examples import WITH_FIXTURES
from tests.model_servers.refusals import QUIRKS
from tests.model_servers.templates import LUCK

THREADS = int(os.environ.get("PERDURE_TEST_THREADS", "12"))
# Small enough that a few long messages are cut.
WINDOW = 700
LONG = "word " * 150

TOOLS = [FunctionTool(function=FunctionDefinition(name=name, strict=name == "f")) for name in "fg"]
CHOICES: dict[str, ToolChoice] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
    "f": FunctionChoice(function=FunctionName(name="f")),
}


class Act(NamedTuple):
    """A run: what is said before it, and how it is made."""

    said: list[tuple[str, str]]
    does: str
    instructions: str | None
    last_messages: int | None
    choice: str | None
    output: str
    parallel: bool

    @property
    def messages(self) -> list[CreateMessage]:
        directive = [("user", self.does)] if self.does else []
        return [
            CreateMessage(role=role, content=content)  # type: ignore[arg-type] # one of two
            for role, content in [*self.said, *directive]
        ]

    @property
    def fields(self) -> dict[str, Any]:
        """What a run is made with."""
        strategy = TruncationStrategy(type="last_messages", last_messages=self.last_messages)
        fields: dict[str, Any] = {
            "additional_messages": self.messages or None,
            "instructions": self.instructions,
            "parallel_tool_calls": self.parallel,
            "temperature": 0.5,
            "top_p": 0.5,
            "reasoning_effort": "low",
            "truncation_strategy": strategy if self.last_messages else None,
        }
        if self.choice is not None:
            fields |= {"tools": TOOLS, "tool_choice": CHOICES[self.choice]}
        return fields


_SAID = st.tuples(st.sampled_from(["user", "assistant"]), st.sampled_from(["Well.", LONG]))
ACTS = st.builds(
    Act,
    said=st.lists(_SAID, max_size=2),
    does=st.sampled_from(["", "say", "call", "call 2", "call 3", "fail", "stall"]),
    instructions=st.sampled_from([None, "Be brief."]),
    last_messages=st.sampled_from([None, None, 1, 2, 3]),
    choice=st.sampled_from([None, *CHOICES]),
    output=st.sampled_from(["", "21"]),
    parallel=st.booleans(),
)
TEMPLATES = st.lists(st.sampled_from(range(len(QUIRKS))), max_size=8, unique=True)


async def ended(upstream: Upstream, run: Run, act: Act) -> Run:
    """The run at its end: outputs are submitted, and what would not end is cancelled."""
    stage = upstream.stage
    if act.does == "stall":
        work = asyncio.ensure_future(stage.execute(run))
        await stage.listen_until(run, lambda told: isinstance(told, Delta))
        await stage.acts.cancel(run.id)
        return await work
    run = await stage.execute(run)
    while run.status == "requires_action":
        run = await stage.execute(await stage.submit(run, act.output))
    return run


@settings(WITH_FIXTURES, max_examples=THREADS)
@given(places=TEMPLATES, acts=st.lists(ACTS, min_size=1, max_size=5))
async def test_every_run_ends_as_its_model_ends_it(
    upstream: Upstream, places: list[int], acts: list[Act]
) -> None:
    stage = upstream.stage
    upstream.server.reset()
    memory = SharedAdjustmentMemory(stage.database, stage.clock)
    upstream.use(windows={"*": WINDOW}, memory=memory)
    model = f"template: {' '.join(map(str, places))}"
    assistant, thread = await stage.acts.assistant(), await stage.acts.thread()
    for act in acts:
        try:
            run = await stage.acts.run(thread.id, assistant.id, model=model, **act.fields)
        except BadRequest:
            continue  # nobody has said anything, and there are no instructions either
        run = await ended(upstream, run, act)
        if act.does == "stall":
            assert run.status == "cancelled"
        elif run.last_error is None or not run.last_error.message.endswith(LUCK):
            assert (run.status, run.last_error) == ("completed", None)
    await upstream.close()
    _assert_each_refused_once(upstream, places)


def _assert_each_refused_once(upstream: Upstream, places: list[int]) -> None:
    """Also where the request that taught it has failed for another reason."""
    quirks = [QUIRKS[place] for place in places]
    refused = [
        body for body in upstream.bodies() if any(quirk.refuses(dict(body)) for quirk in quirks)
    ]
    assert len(refused) <= len({quirk.adjustment for quirk in quirks})
