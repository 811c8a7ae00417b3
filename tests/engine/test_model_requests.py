"""What the model server is sent: the settings of a run, over its assistant's, over the defaults."""

from typing import Any

import pytest

from perdure.wire.base import JsonObject, decode, encode
from perdure.wire.messages import CreateMessage
from perdure.wire.runs import CreateRun
from perdure.wire.tools import FunctionDefinition, FunctionTool
from tests.engine.upstream import Upstream

WEATHER = FunctionTool(function=FunctionDefinition(name="get_weather"))
SENT_WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {}},
    },
}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "city", "schema": {"type": "object"}, "strict": True},
}
PLAIN: JsonObject = {
    "model": "text",
    "messages": [{"role": "user", "content": "Hello"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}


async def sent(upstream: Upstream, assistant: JsonObject, run: JsonObject) -> dict[str, Any]:
    """The body of the request for a run on a thread that says hello; both given as JSON."""
    stage = upstream.stage
    made = await stage.acts.assistant(**fields(assistant))
    thread = await stage.acts.thread("Hello")
    await stage.execute(
        await stage.acts.run(thread.id, made.id, **{"model": "text", **fields(run)})
    )
    (body,) = upstream.bodies()
    return body


def fields(given: JsonObject) -> dict[str, object]:
    """The same as a request's members would be."""
    body = decode(encode({"assistant_id": "asst_1", **given}), CreateRun)
    return {name: getattr(body, name) for name in given}


@pytest.mark.parametrize(
    ("assistant", "run", "more"),
    [
        ({}, {}, {}),
        ({"temperature": 0.5}, {}, {"temperature": 0.5}),
        ({"temperature": 0.5}, {"temperature": 0.25}, {"temperature": 0.25}),
        ({"temperature": 0.5}, {"temperature": None}, {"temperature": 0.5}),
        ({"temperature": 0.5}, {"temperature": 1}, {}),
        ({}, {"temperature": 0}, {"temperature": 0.0}),
        ({"top_p": 0.5}, {}, {"top_p": 0.5}),
        ({"top_p": 0.5}, {"top_p": 0.25}, {"top_p": 0.25}),
        ({"top_p": 0.5}, {"top_p": 1}, {}),
        ({"reasoning_effort": "low"}, {}, {"reasoning_effort": "low"}),
        ({"reasoning_effort": "low"}, {"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        ({"response_format": "auto"}, {}, {}),
        ({"response_format": {"type": "text"}}, {}, {}),
        (
            {"response_format": {"type": "json_object"}},
            {},
            {"response_format": {"type": "json_object"}},
        ),
        ({"response_format": {"type": "json_object"}}, {"response_format": "auto"}, {}),
        ({}, {"response_format": SCHEMA}, {"response_format": SCHEMA}),
        ({}, {"tool_choice": "required", "parallel_tool_calls": False}, {}),
        ({}, {"max_completion_tokens": 9}, {"max_tokens": 9}),
        ({}, {"max_prompt_tokens": 500}, {}),
    ],
)
async def test_settings_of_a_run_go_over_those_of_its_assistant_and_defaults_are_not_sent(
    upstream: Upstream, assistant: JsonObject, run: JsonObject, more: JsonObject
) -> None:
    assert await sent(upstream, assistant, run) == {**PLAIN, **more}


@pytest.mark.parametrize(
    ("run", "more"),
    [
        ({}, {}),
        ({"tool_choice": "auto"}, {}),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
            {"tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
        ),
        ({"parallel_tool_calls": True}, {}),
        ({"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
    ],
)
async def test_how_tools_are_to_be_used_is_sent_with_them(
    upstream: Upstream, run: JsonObject, more: JsonObject
) -> None:
    assistant: JsonObject = {"tools": [{"type": "function", "function": {"name": "get_weather"}}]}
    body = await sent(upstream, assistant, run)
    assert body == {**PLAIN, "tools": [SENT_WEATHER], **more}


async def test_a_run_without_a_model_of_its_own_uses_that_of_its_assistant(
    upstream: Upstream,
) -> None:
    acts = upstream.stage.acts
    assistant, thread = await acts.assistant(), await acts.thread("Hello")
    for run in ({}, {"model": None}, {"model": "text"}):
        await upstream.stage.execute(await acts.run(thread.id, assistant.id, **run))
    # acts makes assistants of the model "m", which the server does not know
    assert [body["model"] for body in upstream.bodies()] == ["m", "m", "text"]


async def test_the_tools_of_a_run_replace_those_of_its_assistant(upstream: Upstream) -> None:
    assistant: JsonObject = {"tools": [{"type": "function", "function": {"name": "get_time"}}]}
    run: JsonObject = {"tools": [{"type": "function", "function": {"name": "get_weather"}}]}
    body = await sent(upstream, assistant, run)
    assert body["tools"] == [SENT_WEATHER]


@pytest.mark.parametrize("forced", ["required", "get_weather"])
async def test_a_forced_choice_holds_until_the_first_tool_round(
    upstream: Upstream, forced: str
) -> None:
    """The model server's model calls a function in each round."""
    choice: object = forced
    if forced == "get_weather":
        choice = {"type": "function", "function": {"name": forced}}
    run = await upstream.begin("tools", tools=[WEATHER], **fields({"tool_choice": choice}))
    run = await upstream.stage.execute(run)
    await upstream.stage.execute(await upstream.stage.submit(run, "21"))
    first, second = upstream.bodies()
    assert first["tool_choice"] == choice
    assert "tool_choice" not in second
    assert second["tools"] == first["tools"]


async def test_the_model_is_sent_the_round_that_it_asked_for(upstream: Upstream) -> None:
    run = await upstream.run("tools", tools=[WEATHER])
    await upstream.stage.execute(await upstream.stage.submit(run, "21"))
    assert upstream.bodies()[1]["messages"] == [
        {"role": "user", "content": "Hello"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "id": "call_a",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
                },
                {
                    "id": "call_b",
                    "type": "function",
                    "function": {"name": "get_time", "arguments": "{}"},
                },
            ],
        },
        {"role": "tool", "content": "21", "tool_call_id": "call_a"},
        {"role": "tool", "content": "21", "tool_call_id": "call_b"},
    ]


@pytest.mark.parametrize(
    ("assistant", "run", "instructions"),
    [
        ({}, {}, None),
        ({"instructions": "A"}, {}, "A"),
        ({"instructions": "A"}, {"instructions": "R"}, "R"),
        ({"instructions": "A"}, {"additional_instructions": "more"}, "A\nmore"),
        ({"instructions": "A"}, {"instructions": "R", "additional_instructions": "more"},
         "R\nmore"),
        ({}, {"additional_instructions": "more"}, "more"),
    ],
)  # fmt: skip
async def test_instructions_come_first_and_additional_ones_behind_them(
    upstream: Upstream, assistant: JsonObject, run: JsonObject, instructions: str | None
) -> None:
    body = await sent(upstream, assistant, run)
    system = [{"role": "system", "content": instructions}] if instructions else []
    assert body["messages"] == [*system, {"role": "user", "content": "Hello"}]


async def test_additional_messages_stand_at_the_end_in_their_order(upstream: Upstream) -> None:
    more = [
        CreateMessage(role="assistant", content="One"),
        CreateMessage(role="user", content="Two"),
    ]
    await upstream.run("text", "Zero", additional_messages=more)
    assert upstream.bodies()[0]["messages"] == [
        {"role": "user", "content": "Zero"},
        {"role": "assistant", "content": "One"},
        {"role": "user", "content": "Two"},
    ]
