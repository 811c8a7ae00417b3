"""What a model server is sent, and what its answers become."""

import asyncio
import json

import pytest

from perdure.errors import ConfigurationError
from perdure.providers import server_client
from perdure.providers.openai import OpenAIProvider
from perdure.providers.provider import Provider
from perdure.wire.formats import JsonSchema, JsonSchemaFormat
from tests.model_servers.fixture import ModelServer
from tests.patience import PATIENCE_SECONDS
from tests.providers.conftest import KEY
from tests.providers.talk import asks, fails, function, hear

SAID = "Hello from the módel 🙂 server."
WEATHER = function("get_weather")


async def test_the_server_is_sent_what_was_asked_and_nothing_else(
    openai: Provider, model_server: ModelServer
) -> None:
    response_format = JsonSchemaFormat(json_schema=JsonSchema(name="x", schema={"type": "object"}))
    request = asks(
        "text",
        tools=[WEATHER],
        tool_choice="required",
        parallel_tool_calls=False,
        temperature=0.5,
        top_p=0.25,
        max_tokens=99,
        response_format=response_format,
        reasoning_effort="low",
    )
    await hear(openai, request)
    (seen,) = model_server.seen()
    assert seen["body"] == {
        "model": "text",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "Hello"}],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "get_weather",
                    "parameters": {"type": "object", "properties": {}},
                },
            }
        ],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "temperature": 0.5,
        "top_p": 0.25,
        "max_tokens": 99,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "x", "schema": {"type": "object"}},
        },
        "reasoning_effort": "low",
    }
    headers = seen["headers"]
    assert isinstance(headers, dict)
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["content-type"] == "application/json"


async def test_what_is_not_set_is_not_sent(openai: Provider, model_server: ModelServer) -> None:
    await hear(openai, asks("text"))
    (body,) = model_server.bodies()
    assert set(body) == {"model", "messages", "stream", "stream_options"}


async def test_without_a_key_no_credentials_are_sent(model_server: ModelServer) -> None:
    provider = OpenAIProvider(model_server.base_url)
    await hear(provider, asks("text"))
    await provider.close()
    headers = model_server.seen()[0]["headers"]
    assert isinstance(headers, dict)
    assert "authorization" not in headers


async def test_the_line_end_of_a_key_from_a_file_is_not_sent(model_server: ModelServer) -> None:
    provider = OpenAIProvider(model_server.base_url, api_key=f"{KEY}\n")
    await hear(provider, asks("text"))
    await provider.close()
    headers = model_server.seen()[0]["headers"]
    assert isinstance(headers, dict)
    assert headers["authorization"] == f"Bearer {KEY}"


def test_a_key_and_a_password_in_the_url_are_one_too_many() -> None:
    with pytest.raises(ConfigurationError) as caught:
        OpenAIProvider("http://me:hidden@localhost/v1", api_key=KEY)
    assert str(caught.value) == (
        "The model server at http://localhost/v1 has both an API key and a password in its "
        "base_url; it can be sent one of them."
    )


@pytest.mark.parametrize("key", ["sk-a\nb", "sk-ключ", "sk-a\x00b"])
def test_a_key_that_cannot_be_sent_is_told_without_the_key(key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OpenAIProvider("http://localhost/v1", api_key=key)
    assert str(caught.value) == (
        "The API key of the model server at http://localhost/v1 holds a character that no "
        "HTTP header takes."
    )


@pytest.mark.parametrize(
    "model",
    ["text", "byte-by-byte", "no-usage", "early-usage", "no-done", "no-finish", "no-blank-line",
     "whole", "slow", "lingers"],
)  # fmt: skip
async def test_text_comes_whole_however_it_is_sent(openai: Provider, model: str) -> None:
    heard = await hear(openai, asks(model))
    assert heard.text == SAID
    assert heard.ends_with_usage


@pytest.mark.parametrize("model", ["text", "early-usage", "whole"])
async def test_the_server_s_own_usage_is_kept(openai: Provider, model: str) -> None:
    heard = await hear(openai, asks(model))
    assert heard.usage == (11, 6, 17)


async def test_without_usage_the_tokens_are_counted(openai: Provider) -> None:
    """One word of prompt with 3 for its message and 3 for the answer."""
    heard = await hear(openai, asks("no-usage"))
    assert heard.usage == (7, 8, 15)


async def test_calls_without_usage_are_counted_too(openai: Provider) -> None:
    heard = await hear(openai, asks("tools-no-usage"))
    assert heard.called == [("f", "{}")]
    assert heard.usage == (7, 2, 9)


@pytest.mark.parametrize("model", ["tools", "whole-calls"])
async def test_parallel_calls_come_whole(openai: Provider, model: str) -> None:
    heard = await hear(openai, asks(model, tools=[WEATHER]))
    assert heard.calls == {
        0: ["call_a", "get_weather", '{"city": "Paris"}'],
        1: ["call_b", "get_time", "{}"],
    }
    assert heard.finish == "tool_calls"


async def test_parameters_that_a_server_refuses_are_left_out_now_and_later(
    openai: Provider, model_server: ModelServer
) -> None:
    request = asks("picky", temperature=0.5, top_p=0.5)
    assert (await hear(openai, request)).text == SAID
    assert (await hear(openai, request)).text == SAID
    sent = [set(body) - {"model", "messages", "stream"} for body in model_server.bodies()]
    assert sent == [
        {"stream_options", "temperature", "top_p"},
        {"temperature", "top_p"},
        {"top_p"},
        {"top_p"},
    ]


async def test_what_one_model_refuses_another_is_still_sent(
    openai: Provider, model_server: ModelServer
) -> None:
    await hear(openai, asks("picky", temperature=0.5))
    await hear(openai, asks("text", temperature=0.5))
    assert model_server.bodies()[-1]["temperature"] == 0.5


async def test_what_requests_learn_at_the_same_time_is_not_lost(
    openai: Provider, model_server: ModelServer
) -> None:
    await asyncio.gather(
        hear(openai, asks("strict", top_p=0.5)),
        hear(openai, asks("strict", reasoning_effort="low")),
    )
    await hear(openai, asks("strict", top_p=0.5, reasoning_effort="low"))
    assert len(model_server.bodies()) == 5
    assert not {"top_p", "reasoning_effort"} & set(model_server.bodies()[-1])


async def test_several_refusals_in_one_answer_are_taken_together(
    openai: Provider, model_server: ModelServer
) -> None:
    request = asks("strict", parallel_tool_calls=False, reasoning_effort="low", top_p=0.5)
    assert (await hear(openai, request)).text == SAID
    assert [len(body) for body in model_server.bodies()] == [7, 4]


async def test_the_cap_goes_by_the_name_that_the_server_asks_for(
    openai: Provider, model_server: ModelServer
) -> None:
    request = asks("reasoning", max_tokens=2)
    for _ in range(2):
        heard = await hear(openai, request)
        assert (heard.text, heard.finish) == ("Hello from ", "length")
    caps = [
        (body.get("max_tokens"), body.get("max_completion_tokens"))
        for body in model_server.bodies()
    ]
    assert caps == [(2, None), (None, 2), (None, 2)]


async def test_a_cap_that_is_too_large_is_no_unknown_parameter(
    openai: Provider, model_server: ModelServer
) -> None:
    code, message = await fails(openai, asks("capped", max_tokens=99_999))
    assert code == "invalid_prompt"
    assert message.endswith("max_tokens is too large: 99999. At most 4096.")
    assert len(model_server.seen()) == 1


async def test_a_cap_without_any_name_is_told_and_not_left_out(
    openai: Provider, model_server: ModelServer
) -> None:
    """Without it, an answer could cost more than the run's budget allows."""
    code, message = await fails(openai, asks("capless", max_tokens=5))
    assert code == "invalid_prompt"
    assert message.endswith("Unrecognized request argument supplied: max_tokens")
    assert len(model_server.seen()) == 1


async def test_the_connection_is_used_again(openai: Provider, model_server: ModelServer) -> None:
    for model in ("text", "tools", "no-usage", "whole", "invalid", "text"):
        if model == "invalid":
            await fails(openai, asks(model))
        else:
            await hear(openai, asks(model))
    assert len({seen["peer"] for seen in model_server.seen()}) == 1


async def test_an_end_that_lags_does_not_cost_the_connection(
    openai: Provider, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_client, "_END_SECONDS", PATIENCE_SECONDS)
    for _ in range(2):
        await hear(openai, asks("lags"))
    assert len({seen["peer"] for seen in model_server.seen()}) == 1


async def test_answers_do_not_wait_for_each_other(openai: Provider) -> None:
    """150 at once: more than a client's usual pool."""
    many = [openai.chat(asks("stalls")) for _ in range(150)]
    await asyncio.gather(*(anext(chunks) for chunks in many))
    await asyncio.gather(*(chunks.aclose() for chunks in many))


async def test_a_closed_answer_closes_its_connection(
    openai: Provider, model_server: ModelServer
) -> None:
    chunks = openai.chat(asks("endless"))
    assert (await anext(chunks)).choices[0].delta.content == "on "
    await chunks.aclose()
    await asyncio.to_thread(model_server.wait_aborted, 1)


@pytest.mark.parametrize("model", ["endless", "stalls", "silent"])
async def test_a_cancelled_reader_closes_its_connection(
    openai: Provider, model_server: ModelServer, model: str
) -> None:
    reader = asyncio.create_task(hear(openai, asks(model)))
    await asyncio.to_thread(model_server.wait_asked, 1)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await asyncio.to_thread(model_server.wait_aborted, 1)


async def test_a_failed_answer_closes_its_connection(
    openai: Provider, model_server: ModelServer
) -> None:
    await fails(openai, asks("endless-line"))
    await asyncio.to_thread(model_server.wait_aborted, 1)


async def test_models_are_listed_and_remembered_for_a_while(
    openai: Provider, model_server: ModelServer
) -> None:
    for _ in range(2):
        models = await openai.models()
        assert [(model.id, model.created, model.owned_by) for model in models] == [
            ("text", 1_700_000_000, "tests"),
            ("bare", 0, ""),
        ]
    assert model_server.listed() == 1


async def test_big_prompts_arrive(openai: Provider, model_server: ModelServer) -> None:
    prompt = "wörd " * 40_000
    await hear(openai, asks("text", prompt))
    (body,) = model_server.bodies()
    assert json.dumps(body["messages"]) == json.dumps([{"role": "user", "content": prompt}])
