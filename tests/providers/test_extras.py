"""What is told beside an answer is put together as it came, bounded, and put back in its place."""

import json
from collections.abc import Iterable

import pytest

from perdure.providers import extras, refusals, tokens
from perdure.providers.answers import AnswerReader
from perdure.providers.faults import AnsweringServer
from perdure.providers.openai import OpenAIProvider
from perdure.wire.base import JsonObject, decode
from perdure.wire.chat import ChatMessage, ChatRequest, ChatToolCall, Extras, ToolCallDelta
from perdure.wire.tools import CalledFunction
from tests.model_servers.fixture import ModelServer
from tests.model_servers.pieces import DONE, STOP, chunk, event
from tests.providers.talk import breaks_off, hear

SIGNED: JsonObject = {"google": {"thought_signature": "c2ln"}}
OTHER: JsonObject = {"citations": [1]}


def told(*deltas: JsonObject) -> Extras | None:
    """What is kept of an answer with these deltas."""
    reader = AnswerReader(AnsweringServer("http://m", "m", None))
    for piece in (*map(chunk, deltas), STOP, DONE):
        reader.feed(piece)
    reader.end()
    assert reader.failure is None
    return reader.extras


def details(*members: JsonObject) -> list[JsonObject]:
    """A delta for each member."""
    return [{"reasoning_details": [member]} for member in members]


def test_an_answer_without_anything_beside_it_has_no_extras() -> None:
    assert told({"role": "assistant", "content": ""}, {"content": "Hi"}) is None
    assert told({"content": "Hi", "reasoning_content": None, "reasoning_details": []}) is None


def test_the_server_and_the_model_are_noted() -> None:
    assert told({"reasoning": "Hm."}) == Extras(
        server="http://m", model="m", message={"reasoning": "Hm."}
    )


def test_that_only_a_call_has_something_beside_it_is_told_too() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f"}, "extra_content": SIGNED}
    assert told({"tool_calls": [call]}) == Extras(server="http://m", model="m")


@pytest.mark.parametrize(
    ("members", "whole"),
    [
        ([{"index": 0, "text": "a"}, {"index": 0, "text": "b"}], [{"index": 0, "text": "ab"}]),
        ([{"index": 0, "text": "a"}, {"index": 1, "text": "b"}],
         [{"index": 0, "text": "a"}, {"index": 1, "text": "b"}]),
        ([{"index": 0, "type": "x", "text": "a"}, {"index": 0, "type": "y", "text": "b"}],
         [{"index": 0, "type": "x", "text": "a"}, {"index": 0, "type": "y", "text": "b"}]),
        ([{"index": 0, "data": "a"}, {"index": 0, "data": "b"}],
         [{"index": 0, "data": "a"}, {"index": 0, "data": "b"}]),
        ([{"index": 0, "summary": "a", "id": None}, {"index": 0, "summary": "b", "id": "i"}],
         [{"index": 0, "summary": "ab", "id": "i"}]),
        ([{"text": "a"}, {"text": "b"}], [{"text": "a"}, {"text": "b"}]),
        ([{"index": 0, "text": "a"}, {"index": 0, "text": None, "signature": "s"}],
         [{"index": 0, "text": "a", "signature": "s"}]),
        ([{"index": [0], "text": "a"}, {"index": [0], "text": "b"}],
         [{"index": [0], "text": "ab"}]),
    ],
)  # fmt: skip
def test_details_of_one_index_are_one_and_what_comes_whole_is_not_joined(
    members: list[JsonObject], whole: list[JsonObject]
) -> None:
    found = told(*details(*members))
    assert found is not None
    assert found.message == {"reasoning_details": whole}


def test_details_of_very_many_pieces_are_whole() -> None:
    """One for each token."""
    found = told(*details(*({"index": 0, "text": "word "} for _ in range(20_000))))
    assert found is not None
    assert found.message == {"reasoning_details": [{"index": 0, "text": "word " * 20_000}]}


def test_what_a_router_adds_is_kept_only_with_a_signature() -> None:
    assert told({"content": "Hi", "provider_specific_fields": OTHER}) is None
    found = told({"provider_specific_fields": {**OTHER, "thought_signatures": ["s"]}})
    assert found is not None
    assert found.message["provider_specific_fields"] == {**OTHER, "thought_signatures": ["s"]}


def test_nothing_is_mended_in_what_goes_back() -> None:
    odd: JsonObject = {"a": None, "b": 2.0, "content": [{"text": "x"}], "id": 5, "index": "1"}
    message = {"content": "Hi", "extra_content": odd}
    reader = AnswerReader(AnsweringServer("http://m", "m", None))
    reader.feed(json.dumps({"choices": [{"message": message}]}).encode())
    reader.end()
    assert reader.extras is not None
    assert repr(reader.extras.message) == repr({"extra_content": odd})


def test_a_message_behind_its_deltas_tells_nothing_twice() -> None:
    reader = AnswerReader(AnsweringServer("http://m", "m", None))
    message = {"content": "Hi", "reasoning": "Hm.", "thought_signature": "s"}
    for piece in (
        chunk({"reasoning": "H"}), chunk({"reasoning": "m."}), chunk({"content": "Hi"}),
        event({"choices": [{"message": message, "finish_reason": "stop"}]}), DONE,
    ):  # fmt: skip
        reader.feed(piece)
    reader.end()
    assert reader.extras is not None
    assert reader.extras.message == {"reasoning": "Hm.", "thought_signature": "s"}


def test_what_is_nested_without_end_is_left_out() -> None:
    deep: object = "x"
    for _ in range(200):
        deep = {"a": deep}
    assert told({"content": "Hi", "extra_content": deep}) is None


def test_the_fields_of_a_call_are_found_beside_it_and_beside_its_function() -> None:
    fragment = decode(
        json.dumps({
            "extra_content": SIGNED, "other": 1, "provider_specific_fields": OTHER,
            "function": {"name": "f", "thought_signature": "s", "provider_specific_fields": OTHER},
        }),
        ToolCallDelta,
    )  # fmt: skip
    assert extras.of_fragment(fragment) == {
        "extra_content": SIGNED, "function": {"thought_signature": "s"},
    }  # fmt: skip
    assert extras.of_fragment(ToolCallDelta(index=0)) == {}


def test_what_is_told_again_is_not_told_twice() -> None:
    assert extras.merged({"extra_content": SIGNED}, {"extra_content": SIGNED}) == {
        "extra_content": SIGNED
    }
    assert extras.merged({"a": {"b": 1}}, {"a": {"c": 2}, "d": 3}) == {
        "a": {"b": 1, "c": 2},
        "d": 3,
    }


def test_the_largest_fields_are_left_out_whole_where_it_is_too_much() -> None:
    half = "x" * (extras.MOST_BYTES // 2)
    kept = extras.bounded(
        Extras(
            server="http://m",
            model="m",
            message={"reasoning": half, "reasoning_content": half + "x", "thought_signature": "s"},
            calls={"call_a": {"extra_content": SIGNED}, "call_b": {"extra_content": half + "xy"}},
        )
    )
    assert kept.message == {"reasoning": half, "thought_signature": "s"}
    assert kept.calls == {"call_a": {"extra_content": SIGNED}, "call_b": {}}


MESSAGES = [
    ChatMessage(role="user", content="Hello"),
    ChatMessage(
        role="assistant",
        content="",
        tool_calls=[
            ChatToolCall(id=call_id, function=CalledFunction(name="f", arguments="{}"))
            for call_id in ("call_a", "call_b")
        ],
        extras=Extras(
            server="http://m",
            model="m",
            message={"reasoning_content": "Hm."},
            calls={
                "call_a": {"extra_content": SIGNED, "function": {"thought_signature": "s"}},
                "call_c": {"extra_content": SIGNED},
            },
        ),
    ),
]


def test_what_goes_back_counts_as_tokens_of_the_prompt() -> None:
    bare = [
        MESSAGES[0],
        ChatMessage(role="assistant", content="", tool_calls=MESSAGES[1].tool_calls),
    ]
    more = tokens.count_messages(MESSAGES) - tokens.count_messages(bare)
    assert more > tokens.count("Hm.") + tokens.count(json.dumps(SIGNED))
    assert not tokens.are_within(MESSAGES, None, tokens.count_messages(bare))


async def sent(
    server: ModelServer, model: str, *, told_by: str = "", of: str = ""
) -> list[JsonObject]:
    """The messages that a model is sent, with extras of another server or model, if so named."""
    provider = OpenAIProvider(server.base_url)
    assert MESSAGES[1].extras is not None
    marked = Extras(
        server=told_by or server.base_url,
        model=of or model,
        message=MESSAGES[1].extras.message,
        calls=MESSAGES[1].extras.calls,
    )
    message = ChatMessage(
        role="assistant", content="", tool_calls=MESSAGES[1].tool_calls, extras=marked
    )
    await hear(provider, ChatRequest(model=model, messages=[MESSAGES[0], message]))
    await provider.close()
    found: list[JsonObject] = server.bodies()[-1]["messages"]  # type: ignore[assignment]
    return found


async def test_each_field_goes_back_to_its_own_place(model_server: ModelServer) -> None:
    assert (await sent(model_server, "text"))[1] == {
        "role": "assistant",
        "content": "",
        "reasoning_content": "Hm.",
        "tool_calls": [
            {"id": "call_a", "type": "function", "extra_content": SIGNED,
             "function": {"name": "f", "arguments": "{}", "thought_signature": "s"}},
            {"id": "call_b", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ],
    }  # fmt: skip


@pytest.mark.parametrize("who", [{"told_by": "http://other"}, {"of": "other"}])
async def test_another_server_or_model_is_sent_nothing_of_it(
    model_server: ModelServer, who: dict[str, str]
) -> None:
    message = (await sent(model_server, "text", **who))[1]
    assert keys(message) == {"role", "content", "tool_calls", "id", "type", "function", "name",
                             "arguments"}  # fmt: skip


def keys(value: object) -> set[str]:
    """The names of all members, however deep."""
    match value:
        case dict():
            return {*value, *_all(keys(each) for each in value.values())}
        case list():
            return {*_all(keys(each) for each in value)}
    return set()


def _all(found: Iterable[set[str]]) -> set[str]:
    return set().union(*found)


@pytest.mark.parametrize(
    ("status", "said", "bars"),
    [
        (400, "property 'reasoning_content' is unsupported", True),
        (400, 'Unknown name "reasoning_content" at \'messages[1]\': Cannot find field.', True),
        (422, '[{"loc":["body","messages",1,"reasoning_content"],"type":"extra_forbidden"}]', True),
        (400, "Missing `reasoning_content` field in the assistant message at message index 1.",
         False),
        (400, "The `reasoning_content` in the thinking mode must be passed back to the API.",
         False),
        (400, "reasoning_content is required", False),
        (400, "my_reasoning_content_2 is unsupported", False),
        (500, "property 'reasoning_content' is unsupported", False),
    ],
)  # fmt: skip
def test_a_refusal_of_a_field_is_told_from_a_wish_for_it(
    status: int, said: str, *, bars: bool
) -> None:
    body = json.dumps({"error": {"message": said}}).encode()
    assert refusals.read(status, {}, body, secret=None).bars("reasoning_content") is bars


async def test_a_server_that_goes_on_refusing_is_not_asked_for_ever(
    model_server: ModelServer,
) -> None:
    provider = OpenAIProvider(model_server.base_url)
    marked = Extras(server=model_server.base_url, model="invalid", message={"reasoning": "Hm."})
    message = ChatMessage(role="assistant", content="Hi", extras=marked)
    _, error = await breaks_off(provider, ChatRequest(model="invalid", messages=[message]))
    await provider.close()
    assert error.code == "invalid_prompt"
    assert len(model_server.bodies()) == 1
