"""What model servers write beside the format is read as they meant it."""

import pytest

from perdure.errors import ProviderError
from perdure.providers.openai import OpenAIProvider
from perdure.providers.repair import repair_value
from tests.model_servers.fixture import ModelServer
from tests.providers.talk import asks, fails, hear

SAID = "Hello from the módel 🙂 server."


async def test_what_is_odd_in_a_stream_costs_no_word_of_it(openai: OpenAIProvider) -> None:
    """Marks, comments, other fields, nulls, floats, thoughts, parts, invented finish reasons."""
    heard = await hear(openai, asks("sloppy"))
    assert heard.text == "Hello from the server."
    assert heard.calls == {}
    assert heard.finish == "stop"
    assert heard.usage == (11, 2, 0)
    assert heard.ends_with_usage


async def test_calls_need_no_index_and_may_have_arguments_that_are_no_string(
    openai: OpenAIProvider,
) -> None:
    """Each call with an id of its own is one call: the engine tells them apart by it."""
    calls = [
        call
        async for chunk in openai.chat(asks("calls-without-index"))
        for choice in chunk.choices
        for call in choice.delta.tool_calls or ()
    ]
    assert [call.id for call in calls] == ["call_a", "call_b"]
    functions = [call.function for call in calls if call.function]
    assert [function.name for function in functions] == ["add", "sub"]
    assert [function.arguments for function in functions] == ['{"a":null}', None]


async def test_usage_in_every_chunk_is_not_summed(openai: OpenAIProvider) -> None:
    heard = await hear(openai, asks("running-usage"))
    assert heard.text == SAID
    assert heard.usage == (11, 6, 17)
    assert heard.ends_with_usage


async def test_a_compressed_answer_is_read(openai: OpenAIProvider) -> None:
    assert (await hear(openai, asks("gzip"))).text == SAID


async def test_a_redirect_is_told_and_not_followed(
    openai: OpenAIProvider, model_server: ModelServer
) -> None:
    """The prompt goes where the user has sent it, and nowhere else."""
    assert await fails(openai, asks("moved")) == (
        "server_error",
        f"The model server at {model_server.base_url} sent the request elsewhere (HTTP 308). "
        "Check its base_url: http or https, and the path, which usually ends in /v1.",
    )
    assert [seen["path"] for seen in model_server.seen()] == ["/v1/chat/completions"]


async def test_a_value_that_is_refused_is_told_and_not_left_out(
    openai: OpenAIProvider, model_server: ModelServer
) -> None:
    """Else one wrong value would keep the parameter from everybody, from then on."""
    assert await fails(openai, asks("too-hot", temperature=2)) == (
        "invalid_prompt",
        f"The model server at {model_server.base_url} refused the request: "
        "temperature must be at most 1.",
    )
    assert (await hear(openai, asks("too-hot", temperature=0.5))).text == SAID
    assert [body["temperature"] for body in model_server.bodies()] == [2, 0.5]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"choices": None, "id": ""}, {"id": ""}),
        ([None, [None, 1]], [[1]]),
        (2.0, 2),
        (2.5, 2.5),
        (True, True),
        ({"arguments": "{}"}, {"arguments": "{}"}),
        ({"arguments": {"a": None, "b": 2.0}}, {"arguments": '{"a":null,"b":2.0}'}),
        ({"content": [{"type": "text", "text": "a"}, {"text": "b"}, {"x": 1}]}, {"content": "ab"}),
        ({"content": 5}, {"content": 5}),
        ([{"index": "12"}, {"index": "1st"}, {"index": "9" * 99}], [{"index": 12}, {}, {}]),
        ([{"index": 2.0}, {"index": True}, {"index": [1]}], [{"index": 2}, {}, {}]),
        ([{"id": 5}, {"id": "5"}, {"id": True}, {"id": {}}], [{"id": "5"}, {"id": "5"}, {}, {}]),
        ({"function": {"name": 5, "arguments": [1]}}, {"function": {"arguments": "[1]"}}),
        ({"function": "f"}, {}),
    ],
)
def test_nothing_else_is_mended(written: object, meant: object) -> None:
    # in JSON's eyes: 2 and 2.0, 1 and True are not the same
    assert repr(repair_value(written)) == repr(meant)


@pytest.mark.parametrize("model", ["malformed"])
async def test_what_makes_no_sense_stays_an_error(openai: OpenAIProvider, model: str) -> None:
    with pytest.raises(ProviderError, match="cannot be read as an answer"):
        await hear(openai, asks(model))
