"""What a turn reads, and what it makes of it: no part of the run's own work is lost."""

import threading
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from perdure.commands import messages
from perdure.engine import context
from perdure.engine.context import Material, ThreadMessage
from perdure.engine.outcomes import Truncated
from perdure.storage.database import Row, Transaction
from perdure.wire.base import encode
from perdure.wire.chat import ChatMessage
from perdure.wire.events import Publication
from perdure.wire.messages import CreateMessage
from perdure.wire.run_steps import FunctionCall, FunctionToolCall, RunStep, ToolCalls
from perdure.wire.runs import Run, TruncationStrategy
from perdure.wire.usage import Usage
from tests.commands.acts import PROJECT
from tests.engine.stage import Stage

SENTENCE = "This is message {} of a thread that goes on and on, as threads do."  # 19 tokens or so


class Counting:
    """A transaction that counts the rows it hands out."""

    def __init__(self, inner: Transaction) -> None:
        self._inner = inner
        self.rows = 0

    def one(self, statement: str, **params: object) -> Row | None:
        row = self._inner.one(statement, **params)
        self.rows += row is not None
        return row

    def all(self, statement: str, **params: object) -> list[Row]:
        rows = self._inner.all(statement, **params)
        self.rows += len(rows)
        return rows

    def run(self, statement: str, **params: object) -> int:
        return self._inner.run(statement, **params)

    def many(self, statement: str, params: Iterable[Mapping[str, object]]) -> list[Row]:
        return self._inner.many(statement, params)

    def publish(self, topic: str, publication: Publication) -> None:
        self._inner.publish(topic, publication)


def counted(tx: Transaction, run: Run, window: int) -> tuple[int, list[ChatMessage]]:
    """How many rows a turn reads, and the messages of its request."""
    # Reading and counting can take a while: the event loop does neither.
    assert threading.current_thread() is not threading.main_thread()
    counting = Counting(tx)
    prepared = context.prepare(counting, run, window)
    assert not isinstance(prepared, Truncated)
    return counting.rows, prepared.request.messages


def named(thread: Iterable[ChatMessage]) -> list[ThreadMessage]:
    """The messages with ids."""
    return [ThreadMessage(f"msg_{place}", message) for place, message in enumerate(thread)]


def add_many(tx: Transaction, thread_id: str, roles: list[str]) -> None:
    for number, role in enumerate(roles):
        body = CreateMessage(role=role, content=SENTENCE.format(number))  # type: ignore[arg-type]
        messages.add(tx, thread_id, body, project=PROJECT, now=1)


async def begin(stage: Stage, roles: list[str], **fields: object) -> Run:
    thread = await stage.acts.thread()
    await stage.database.write(add_many, thread.id, roles)
    assistant = await stage.acts.assistant(instructions="Go on.")
    return await stage.acts.run(thread.id, assistant.id, **fields)


async def test_what_is_read_does_not_grow_with_the_thread(stage: Stage) -> None:
    rows = {}
    for length in (10, 200, 2000):
        run = await begin(stage, ["user"] * length)
        rows[length], sent = await stage.database.read(counted, run, 1000)
        assert sent[-1].content == SENTENCE.format(length - 1)
        assert sent[1].content == SENTENCE.format(0)
    # pages of 16 and 32, and the first four
    assert rows == {10: 10, 200: 52, 2000: 52}


async def test_a_prompt_budget_bounds_what_is_read_too(stage: Stage) -> None:
    run = await begin(stage, ["user"] * 2000, max_prompt_tokens=300)
    rows, _ = await stage.database.read(counted, run, 256_000)
    assert rows == 16 + 4


async def test_the_newest_messages_are_read_and_no_others(stage: Stage) -> None:
    strategy = TruncationStrategy(type="last_messages", last_messages=25)
    run = await begin(stage, ["user"] * 2000, truncation_strategy=strategy)
    rows, sent = await stage.database.read(counted, run, 1000)
    assert rows == 25
    assert [message.content for message in sent[1:]] == [
        SENTENCE.format(number) for number in range(1975, 2000)
    ]


async def test_the_user_s_message_is_found_behind_hundreds_of_answers(stage: Stage) -> None:
    """As in a thread on which one run follows the other, and nobody says anything."""
    roles = ["assistant"] * 100 + ["user"] + ["assistant"] * 500
    run = await begin(stage, roles)
    rows, sent = await stage.database.read(counted, run, 1000)
    assert [message.content for message in sent if message.role == "user"] == [SENTENCE.format(100)]
    assert sent[-1].content == SENTENCE.format(600)
    assert rows == 53


CALLS = st.lists(
    st.tuples(st.text("ab", max_size=20), st.text("cd ", max_size=200)), min_size=1, max_size=3
)
RUN = Run(
    id="run_1", created_at=1, assistant_id="asst_1", thread_id="thread_1", expires_at=601,
    model="m", instructions="Be brief.", tools=[],
)  # fmt: skip


def step(number: int, calls: list[tuple[str, str]]) -> RunStep:
    details = ToolCalls(
        tool_calls=[
            FunctionToolCall(
                id=f"call_{number}_{place}", function=FunctionCall("f", arguments, output)
            )
            for place, (arguments, output) in enumerate(calls)
        ]
    )
    return RunStep(
        id=f"step_{number}", created_at=1, run_id="run_1", assistant_id="asst_1",
        thread_id="thread_1", type="tool_calls", step_details=details,
    )  # fmt: skip


@given(
    st.lists(st.text("xyz ", min_size=1, max_size=200), min_size=1, max_size=12),
    st.lists(CALLS, max_size=4),
    st.integers(512, 4000),
)
def test_no_call_is_without_its_output_however_little_room_there_is(
    texts: list[str], rounds: list[list[tuple[str, str]]], window: int
) -> None:
    thread = [ChatMessage(role="user", content=text) for text in texts]
    steps = [step(number, calls) for number, calls in enumerate(rounds)]
    request = context.build(RUN, Material(named(thread), steps, {}, Usage()), window)
    assert not isinstance(request, Truncated)
    assert request.messages[0].content == "Be brief."
    assert any(message is thread[-1] for message in request.messages)
    waiting: list[str] = []
    answered = 0
    for message in request.messages:
        if message.tool_calls:
            assert waiting == []
            waiting = [call.id for call in message.tool_calls]
        elif message.role == "tool":
            assert message.tool_call_id == waiting.pop(0)
            answered += 1
        else:
            assert waiting == []
    assert waiting == []
    assert answered == sum(map(len, rounds))


@pytest.mark.parametrize("budget", [1, 60, 400])
def test_a_budget_is_kept_or_the_run_ends(budget: int) -> None:
    thread = [ChatMessage(role="user", content="word " * 40)] * 20
    run = replace(RUN, max_prompt_tokens=budget)
    request = context.build(run, Material(named(thread), [], {}, Usage()), 256_000)
    if budget < 60:
        assert isinstance(request, Truncated)
        assert encode(request.reason) == b'{"reason":"max_prompt_tokens"}'
    else:
        assert not isinstance(request, Truncated)
        assert len(request.messages) - 1 == {60: 1, 400: 8}[budget]
