"""What every provider must do, whatever is behind it: see `Provider`.

A new provider is a new `Subject`: how it is brought into each situation.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from perdure.model_servers import ModelServerSettings, connect
from perdure.providers.openai import OpenAIProvider
from perdure.providers.provider import Provider
from perdure.testing.scripted_model import ScriptedProvider
from perdure.wire.chat import ChatRequest
from tests.model_servers.fixture import ModelServer
from tests.providers.talk import asks, fails, function, hear, relayed

WEATHER = {"type": "object", "properties": {"city": {"const": "Paris"}}, "required": ["city"]}
TOOLS = [function("get_weather", WEATHER), function("get_time")]  # type: ignore[arg-type]


@dataclass
class Subject:
    """A provider, and the request for each situation."""

    provider: Provider
    text: ChatRequest
    capped: ChatRequest
    tools: ChatRequest
    filtered: ChatRequest
    breaks: ChatRequest
    endless: ChatRequest
    failures: dict[str, ChatRequest]
    models: list[str]


def _scripted(provider: Provider) -> Subject:
    return Subject(
        provider,
        text=asks("scripted", "say: Hello from here"),
        capped=asks("scripted", "say: Hello from here", max_tokens=2),
        tools=asks("scripted", "Go on", tools=TOOLS),
        filtered=asks("scripted", "say: Hello\nfinish: content_filter"),
        breaks=asks("scripted", "say: Hello from here\nfail: server_error after 2 tokens"),
        endless=asks("scripted", "forever"),
        failures={
            code: asks("scripted", f"fail: {code}")
            for code in ("server_error", "rate_limit_exceeded", "invalid_prompt")
        },
        models=["scripted"],
    )


def _openai(provider: Provider) -> Subject:
    return Subject(
        provider,
        text=asks("text"),
        capped=asks("text", max_tokens=2),
        tools=asks("tools", tools=TOOLS),
        filtered=asks("content-filter"),
        breaks=asks("error-event"),
        endless=asks("endless"),
        failures={
            "server_error": asks("failing-99"),
            "rate_limit_exceeded": asks("busy-99"),
            "invalid_prompt": asks("too-long"),
        },
        models=["text", "bare"],
    )


@pytest.fixture(params=["scripted", "openai", "routing to scripted", "routing to openai"])
async def subject(
    request: pytest.FixtureRequest, model_server: ModelServer
) -> AsyncIterator[Subject]:
    match request.param:
        case "scripted":
            subject = _scripted(ScriptedProvider())
        case "openai":
            subject = _openai(OpenAIProvider(model_server.base_url))
        case "routing to scripted":
            subject = _scripted(connect([ModelServerSettings("default", "scripted:")], {}))
        case _:
            server = ModelServerSettings("default", model_server.base_url)
            subject = _openai(connect([server], {}))
    yield subject
    await subject.provider.close()


async def test_text_comes_in_pieces_and_stops(subject: Subject) -> None:
    heard = await hear(subject.provider, subject.text)
    assert heard.text.startswith("Hello from ")
    assert heard.chunks > 3
    assert heard.finish == "stop"


@pytest.mark.parametrize("situation", ["text", "capped", "tools", "filtered"])
async def test_the_last_chunk_carries_usage_and_no_other_does(
    subject: Subject, situation: str
) -> None:
    heard = await hear(subject.provider, getattr(subject, situation))
    assert heard.ends_with_usage
    (usage,) = heard.usages
    assert usage.prompt_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


async def test_the_cap_ends_the_answer_with_length(subject: Subject) -> None:
    heard = await hear(subject.provider, subject.capped)
    assert (heard.text, heard.finish) == ("Hello from ", "length")


async def test_parallel_calls_have_ids_names_and_arguments_in_fragments(subject: Subject) -> None:
    heard = await hear(subject.provider, subject.tools)
    assert heard.finish == "tool_calls"
    assert [(name, json.loads(arguments)) for name, arguments in heard.called] == [
        ("get_weather", {"city": "Paris"}),
        ("get_time", {}),
    ]
    ids = {call_id for call_id, _, _ in heard.calls.values()}
    assert len(ids) == 2
    assert all(call_id.startswith("call_") for call_id in ids)


async def test_the_content_filter_is_told(subject: Subject) -> None:
    heard = await hear(subject.provider, subject.filtered)
    assert heard.finish == "content_filter"


@pytest.mark.parametrize("code", ["server_error", "rate_limit_exceeded", "invalid_prompt"])
async def test_a_failure_is_a_provider_error_with_its_code(subject: Subject, code: str) -> None:
    failed, message = await fails(subject.provider, subject.failures[code])
    assert failed == code
    assert message.endswith(".")


async def test_what_was_said_before_a_failure_is_handed_on(subject: Subject) -> None:
    chunks = subject.provider.chat(subject.breaks)
    text = ""
    while text != "Hello from ":
        text += (await anext(chunks)).choices[0].delta.content or ""
    code, _ = await fails(subject.provider, subject.breaks)
    assert code == "server_error"
    await chunks.aclose()


async def test_an_endless_answer_can_be_closed(subject: Subject) -> None:
    chunks = subject.provider.chat(subject.endless)
    for _ in range(20):
        assert (await anext(chunks)).choices[0].delta.content == "on "
    await chunks.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(chunks)


async def test_the_reader_of_an_endless_answer_can_be_cancelled(subject: Subject) -> None:
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in subject.provider.chat(subject.endless):
            begun.set()

    reader = asyncio.create_task(read())
    await begun.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader


async def test_many_answers_at_once_are_kept_apart(subject: Subject) -> None:
    answers = await asyncio.gather(*(hear(subject.provider, subject.text) for _ in range(20)))
    assert {heard.text for heard in answers} == {answers[0].text}


async def test_models_are_listed(subject: Subject) -> None:
    models = await subject.provider.models()
    assert [(model.id, model.object) for model in models] == [
        (name, "model") for name in subject.models
    ]


@pytest.mark.parametrize("stream", [False, True])
async def test_chat_completions_are_passed_through(subject: Subject, stream: bool) -> None:
    content = subject.text.messages[0].content
    body = {
        "model": subject.text.model,
        "messages": [{"role": "user", "content": content}],
        "stream": stream,
    }
    status, headers, answer = await relayed(
        subject.provider, "chat/completions", json.dumps(body).encode()
    )
    assert status == 200
    if stream:
        assert headers["content-type"].startswith("text/event-stream")
        assert answer.endswith(b"data: [DONE]\n\n")
    else:
        assert headers["content-type"].startswith("application/json")
        message = json.loads(answer)["choices"][0]["message"]
        assert message["content"].startswith("Hello from ")


async def test_a_relayed_answer_can_be_left_in_the_middle(subject: Subject) -> None:
    content = subject.endless.messages[0].content
    body = {
        "model": subject.endless.model,
        "messages": [{"role": "user", "content": content}],
        "stream": True,
    }
    async with subject.provider.relay("chat/completions", json.dumps(body).encode(), {}) as answer:
        async for piece in answer.body:
            assert piece.startswith(b"data: ")
            break


async def test_it_can_be_closed_before_it_was_used(subject: Subject) -> None:
    await subject.provider.close()
