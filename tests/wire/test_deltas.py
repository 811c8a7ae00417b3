"""Deltas are cut and joined as bytes, and are still what the API sends (spec 04 §3.2, §4)."""

import json
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming._assistants import accumulate_event, accumulate_run_step
from openai.types.beta.assistant_stream_event import (
    AssistantStreamEvent,
    ThreadMessageCreated,
    ThreadMessageDelta,
    ThreadRunStepCreated,
    ThreadRunStepDelta,
)
from openai.types.beta.threads import Message
from openai.types.beta.threads.runs import RunStep
from pydantic import TypeAdapter

from perdure.wire.base import encode
from perdure.wire.events import (
    Delta,
    arguments_delta,
    first_text_delta,
    function_call_delta,
    refusal_delta,
    text_delta,
)
from perdure.wire.run_steps import ToolCalls
from tests.wire.test_objects import MESSAGE, TOOL_STEP

EVENTS: TypeAdapter[AssistantStreamEvent] = TypeAdapter(AssistantStreamEvent)

AWKWARD = 'a "quote", a \\ and\na line end 【4:0†ü】 🦊'


def first_text(text: str, index: int = 0) -> Delta:
    return first_text_delta("msg_1", index).with_text(text)


def later_text(text: str, index: int = 0) -> Delta:
    return text_delta("msg_1", index).with_text(text)


def refusal(text: str) -> Delta:
    return refusal_delta("msg_1", 0).with_text(text)


def arguments(text: str) -> Delta:
    return arguments_delta("step_2", 0).with_text(text)


def part(**members: object) -> dict[str, object]:
    return {"id": "msg_1", "object": "thread.message.delta", "delta": {"content": [members]}}


def call(**members: object) -> dict[str, object]:
    details = {"type": "tool_calls", "tool_calls": [members]}
    return {"id": "step_2", "object": "thread.run.step.delta", "delta": {"step_details": details}}


SHAPES = {
    "first text": (
        first_text(AWKWARD),
        part(index=0, type="text", text={"value": AWKWARD, "annotations": []}),
    ),
    "later text": (later_text("ip", 2), part(index=2, type="text", text={"value": "ip"})),
    "refusal": (refusal("No."), part(index=0, type="refusal", refusal="No.")),
    "first of a function call": (
        function_call_delta("step_2", 1, "call_1", "get_weather"),
        call(
            index=1,
            id="call_1",
            type="function",
            function={"name": "get_weather", "arguments": "", "output": None},
        ),
    ),
    "later of a function call": (
        arguments('{"city":"'),
        call(index=0, type="function", function={"arguments": '{"city":"'}),
    ),
}


@pytest.mark.parametrize("case", SHAPES)
def test_a_delta_is_exactly_the_shape_of_the_wire(case: str) -> None:
    """Keys, their order and compactness are those recorded for …"""
    delta, shape = SHAPES[case]
    assert delta.data() == encode(shape)


@pytest.mark.parametrize("case", SHAPES)
def test_the_sdk_reads_a_delta_strictly(case: str) -> None:
    """The SDK's event model validates it without a coercion and finds the same in it."""
    delta, shape = SHAPES[case]
    event = read(delta)
    assert isinstance(event, ThreadMessageDelta | ThreadRunStepDelta)
    assert event.data.model_dump(exclude_unset=True) == shape


def test_an_id_of_the_model_server_cannot_break_out_of_the_json() -> None:
    """Call ids come from outside, so they are encoded, not pasted."""
    delta = function_call_delta("step_2", 0, 'call_"},', "f")
    details = json.loads(delta.data())["delta"]["step_details"]
    assert details["tool_calls"][0]["id"] == 'call_"},'


def read(delta: Delta) -> AssistantStreamEvent:
    text = b'{"event":"%s","data":%s}' % (delta.name.encode(), delta.data())
    return EVENTS.validate_json(text, strict=True)


def merged(deltas: list[Delta]) -> Delta:
    """What a stream that is behind sends instead."""
    return deltas[0]._replace(text="".join(delta.text for delta in deltas))


def message_after(deltas: list[Delta]) -> dict[str, object]:
    """The SDK's snapshot of an empty message after these deltas."""
    empty = json.loads(encode(MESSAGE)) | {"content": [], "status": "in_progress"}
    created = ThreadMessageCreated(
        data=Message.model_validate(empty), event="thread.message.created"
    )
    snapshot, _ = accumulate_event(event=created, current_message_snapshot=None)
    for delta in deltas:
        snapshot, _ = accumulate_event(event=read(delta), current_message_snapshot=snapshot)
    assert snapshot is not None
    return snapshot.model_dump()


def step_after(deltas: list[Delta]) -> dict[str, object]:
    """The SDK's snapshot of a tool step without calls after these deltas."""
    empty = json.loads(encode(TOOL_STEP)) | {"step_details": json.loads(encode(ToolCalls()))}
    created = ThreadRunStepCreated(
        data=RunStep.model_validate(empty), event="thread.run.step.created"
    )
    snapshots: dict[str, RunStep] = {}
    accumulate_run_step(event=created, run_step_snapshots=snapshots)
    for delta in deltas:
        accumulate_run_step(event=read(delta), run_step_snapshots=snapshots)
    return snapshots["step_2"].model_dump()


TEXTS = st.lists(st.text(max_size=5), min_size=1, max_size=5)


@given(texts=TEXTS)
def test_joined_text_deltas_mean_the_same_to_the_sdk(texts: list[str]) -> None:
    """Deltas with one head, joined under the first one's tail, build the same message."""
    deltas = [first_text(texts[0]), *(later_text(text) for text in texts[1:])]
    content = cast("list[dict[str, object]]", message_after(deltas)["content"])
    assert content[0]["text"] == {"value": "".join(texts), "annotations": []}
    assert message_after(deltas) == message_after([merged(deltas)])
    # also where the joining begins later
    assert message_after(deltas) == message_after([deltas[0], *joined_rest(deltas)])


@given(texts=TEXTS)
def test_joined_argument_deltas_mean_the_same_to_the_sdk(texts: list[str]) -> None:
    """The fragments of a call's arguments, joined, build the same step."""
    first = function_call_delta("step_2", 0, "call_1", "get_weather")
    deltas = [first, *(arguments(text) for text in texts)]
    details = cast("dict[str, list[dict[str, object]]]", step_after(deltas)["step_details"])
    assert details["tool_calls"][0]["function"] == {
        "name": "get_weather",
        "arguments": "".join(texts),
        "output": None,
    }
    assert step_after(deltas) == step_after([first, merged(deltas[1:])])


@given(texts=TEXTS)
def test_joined_refusal_deltas_mean_the_same_to_the_sdk(texts: list[str]) -> None:
    deltas = [refusal(text) for text in texts]
    content = cast("list[dict[str, object]]", message_after(deltas)["content"])
    assert content[0]["refusal"] == "".join(texts)
    assert message_after(deltas) == message_after([merged(deltas)])


def joined_rest(deltas: list[Delta]) -> list[Delta]:
    return [merged(deltas[1:])] if len(deltas) > 1 else []
