"""The scripted model does what `docs/scripted-model.md` says."""

import json

import jsonschema  # type: ignore[import-untyped]
import pytest

from perdure.testing.scripted_model import ScriptedProvider
from perdure.wire.chat import (
    ChatMessage,
    ChatRequest,
    ChatText,
    ChatToolCall,
    ChosenFunction,
    FunctionToolChoice,
)
from perdure.wire.formats import JsonObjectFormat, JsonSchema, JsonSchemaFormat
from perdure.wire.messages import ImageUrl, ImageUrlPart
from perdure.wire.tools import CalledFunction
from tests.providers.talk import Heard, asks, fails, function, hear

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = function("get_weather", CITY)  # type: ignore[arg-type]
TIME = function("get_time")


async def answer(prompt: str, **fields: object) -> Heard:
    return await hear(ScriptedProvider(), asks("scripted", prompt, **fields))


async def after_calls(prompt: str, *rounds: list[str], **fields: object) -> Heard:
    """The answer once these functions were called, round for round; each gave "21 degrees"."""
    messages = [ChatMessage(role="user", content=prompt)]
    for number, names in enumerate(rounds):
        calls = [
            ChatToolCall(id=f"call_{number}_{name}", function=CalledFunction(name, "{}"))
            for name in names
        ]
        messages.append(ChatMessage(role="assistant", tool_calls=calls))
        messages += [
            ChatMessage(role="tool", tool_call_id=call.id, content="21 degrees") for call in calls
        ]
    request = ChatRequest(model="m", messages=messages, **fields)  # type: ignore[arg-type]
    return await hear(ScriptedProvider(), request)


def names(heard: Heard) -> list[str]:
    return [name for name, _ in heard.called]


async def test_it_quotes_what_the_user_said() -> None:
    heard = await answer("Hello there")
    assert (heard.text, heard.finish) == ("You said: Hello there", "stop")


async def test_it_reads_the_last_user_message_and_the_text_of_its_parts() -> None:
    picture = ImageUrlPart(ImageUrl(url="https://example.com/a.png"))
    messages = [
        ChatMessage(role="user", content="First"),
        ChatMessage(role="assistant", content="Yes?"),
        ChatMessage(role="user", content=[ChatText("What is"), picture, ChatText("this?")]),
    ]
    heard = await hear(ScriptedProvider(), ChatRequest(model="m", messages=messages))
    assert heard.text == "You said: What is\nthis?"


async def test_it_has_something_to_say_without_any_message() -> None:
    heard = await hear(ScriptedProvider(), ChatRequest(model="m", messages=[]))
    assert heard.text == "Hello! I am the scripted model of Perdure."


async def test_a_chunk_is_about_a_word() -> None:
    """Three words, the finish reason, the usage."""
    heard = await answer("say: one two three")
    assert (heard.said, heard.chunks) == (["one ", "two ", "three"], 5)


async def test_the_same_request_gets_the_same_answer_with_the_same_ids() -> None:
    first, second = [await answer("Go", tools=[WEATHER, TIME]) for _ in range(2)]
    assert first == second


async def test_each_round_of_calls_has_ids_of_its_own() -> None:
    prompt = "call: get_time\nthen: call: get_time"
    first = await answer(prompt)
    second = await after_calls(prompt, ["get_time"])
    assert names(first) == names(second) == ["get_time"]
    assert first.calls[0][0] != second.calls[0][0]


async def test_offered_functions_are_called_once_each_with_a_word_of_the_user() -> None:
    heard = await answer("What is the weather in Paris today?", tools=[WEATHER, TIME])
    assert heard.called == [("get_weather", '{"city":"Paris"}'), ("get_time", "{}")]
    assert heard.finish == "tool_calls"


async def test_without_a_name_in_the_message_the_word_is_text() -> None:
    heard = await answer("How is the weather?", tools=[WEATHER])
    assert heard.called == [("get_weather", '{"city":"text"}')]


async def test_tool_outputs_are_quoted_once_all_were_called() -> None:
    heard = await after_calls("Go", ["get_weather", "get_time"], tools=[WEATHER, TIME])
    assert heard.text == "The tools answered: 21 degrees; 21 degrees"


async def test_without_parallel_calls_there_is_one_a_round() -> None:
    fields = {"tools": [WEATHER, TIME], "parallel_tool_calls": False}
    assert names(await answer("Go", **fields)) == ["get_weather"]
    assert names(await after_calls("Go", ["get_weather"], **fields)) == ["get_time"]
    heard = await after_calls("Go", ["get_weather"], ["get_time"], **fields)
    assert heard.text == "The tools answered: 21 degrees; 21 degrees"


async def test_a_new_user_message_begins_anew() -> None:
    messages = [
        ChatMessage(role="user", content="Go"),
        ChatMessage(
            role="assistant",
            tool_calls=[ChatToolCall(id="1", function=CalledFunction("get_time", "{}"))],
        ),
        ChatMessage(role="tool", tool_call_id="1", content="noon"),
        ChatMessage(role="user", content="Again"),
    ]
    request = ChatRequest(model="m", messages=messages, tools=[TIME])
    assert names(await hear(ScriptedProvider(), request)) == ["get_time"]


async def test_the_tool_choice_is_obeyed() -> None:
    tools = [WEATHER, TIME]
    none = await answer("Go", tools=tools, tool_choice="none")
    assert (none.calls, none.text) == ({}, "You said: Go")
    named = FunctionToolChoice(function=ChosenFunction(name="get_time"))
    assert names(await answer("Go", tools=tools, tool_choice=named)) == ["get_time"]
    done = ["get_weather", "get_time"]
    again = await after_calls("Go", done, tools=tools, tool_choice="required")
    assert names(again) == ["get_weather"]


async def test_a_schema_gets_json_that_satisfies_it() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 5}},
              "required": ["n"], "additionalProperties": False}  # fmt: skip
    response_format = JsonSchemaFormat(JsonSchema(name="x", schema=schema))
    heard = await answer("Go", response_format=response_format)
    jsonschema.validate(json.loads(heard.text), schema)
    heard = await answer("Go", response_format=JsonObjectFormat())
    assert json.loads(heard.text) == {"you_said": "Go"}


async def test_lines_to_say_are_one_text() -> None:
    assert (await answer("say: one\nsay: two\nsay:")).text == "one\ntwo\n"


async def test_it_says_so_many_words() -> None:
    heard = await answer("say 200 words")
    assert heard.text.split() == [f"word{number}" for number in range(1, 201)]


async def test_lines_to_call_are_parallel_calls_to_the_letter() -> None:
    """Functions that are not offered and arguments that are no JSON are for testing programs."""
    prompt = 'say: Let me look.\ncall: get_weather {"city": "Rome"}\ncall: nobody {oops'
    heard = await answer(prompt, tools=[WEATHER], tool_choice="none", parallel_tool_calls=False)
    assert heard.text == "Let me look."
    assert heard.called == [("get_weather", '{"city": "Rome"}'), ("nobody", "{oops")]


@pytest.mark.parametrize("then", ["then:\n", "then: "])
async def test_rounds_follow_each_other(then: str) -> None:
    prompt = f"call: get_time {{}}\n{then}call: get_weather {{}}\n{then}say: Done"
    assert names(await answer(prompt)) == ["get_time"]
    assert names(await after_calls(prompt, ["get_time"])) == ["get_weather"]
    assert (await after_calls(prompt, ["get_time"], ["get_weather"])).text == "Done"


async def test_behind_the_last_round_the_outputs_are_quoted_and_nothing_is_called() -> None:
    heard = await after_calls("call: get_time {}", ["get_time"], tools=[WEATHER, TIME])
    assert (heard.calls, heard.text) == ({}, "The tools answered: 21 degrees")


async def test_stop_after_ends_with_length() -> None:
    heard = await answer("say: one two three\nstop after 2 tokens")
    assert (heard.text, heard.finish, heard.usage[1]) == ("one two ", "length", 2)


async def test_an_answer_of_just_the_cap_is_whole() -> None:
    heard = await answer("say: one two", max_tokens=2)
    assert (heard.text, heard.finish) == ("one two", "stop")


async def test_the_smaller_of_two_caps_holds() -> None:
    heard = await answer("say: one two three\nstop after 2 tokens", max_tokens=1)
    assert (heard.text, heard.finish) == ("one ", "length")


@pytest.mark.parametrize("code", ["server_error", "rate_limit_exceeded", "invalid_prompt"])
async def test_it_fails_as_told(code: str) -> None:
    failure = code, f"The scripted model fails: {code}."
    assert await fails(ScriptedProvider(), asks("m", f"fail: {code}")) == failure
    late = asks("m", f"say: one two\nfail: {code} after 9 tokens")
    assert await fails(ScriptedProvider(), late) == failure


async def test_it_fails_behind_so_many_tokens() -> None:
    chunks = ScriptedProvider().chat(asks("m", "say: a b c\nfail: server_error after 2 tokens"))
    assert [(await anext(chunks)).choices[0].delta.content for _ in range(2)] == ["a ", "b "]
    with pytest.raises(Exception, match="The scripted model fails: server_error"):
        await anext(chunks)


async def test_it_refuses() -> None:
    heard = await answer("refuse: I can't do that")
    assert (heard.refusal, heard.text, heard.finish) == ("I can't do that", "", "stop")


async def test_it_finishes_for_the_reason_that_is_told() -> None:
    heard = await answer("say: Well\nfinish: content_filter")
    assert (heard.text, heard.finish) == ("Well", "content_filter")


async def test_usage_is_what_is_told_else_its_own_words() -> None:
    """The prompt counts as it does everywhere, the answer in words."""
    assert (await answer("usage: 100 20")).usage == (100, 20, 120)
    assert (await answer("Go")).usage == (7, 3, 10)


async def test_no_usage_is_as_of_a_server_that_tells_none() -> None:
    heard = await answer("say: one\nno usage")
    assert (heard.text, heard.usages) == ("one", [])


async def test_how_to_answer_can_be_told_without_what() -> None:
    """The directives are not part of what is quoted, and functions are called as ever."""
    prompt = "Weather in Rome?\nwait 1 ms between tokens\nusage: 1 2"
    heard = await answer(prompt)
    assert (heard.text, heard.usage) == ("You said: Weather in Rome?", (1, 2, 3))
    assert names(await answer(prompt, tools=[TIME])) == ["get_time"]


@pytest.mark.parametrize(
    "prompt",
    ["I say: hello", "Say: hello", "call me", "fail: oops", "wait 5 minutes", "stop", "usage: x",
     "then: we went home", "then: then: say: x", "say many words", "forever and ever"],
)  # fmt: skip
async def test_what_is_no_directive_is_quoted(prompt: str) -> None:
    assert (await answer(prompt)).text == f"You said: {prompt}"


async def test_a_long_line_of_thens_does_no_harm() -> None:
    prompt = "then:" * 50_000
    assert (await answer(prompt)).text == f"You said: {prompt}"


async def test_with_the_code_interpreter_it_prints_what_the_user_says() -> None:
    code = {"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]}
    heard = await answer('It\'s "so".', tools=[function("python", code)])  # type: ignore[arg-type]
    ((_, arguments),) = heard.called
    assert json.loads(arguments)["code"] == "print('It\\'s \"so\".')"
