"""The scripted model behind `/v1/chat/completions`: as the SDK reads it, and as it is sent."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from openai import APIError, AsyncOpenAI, BadRequestError, InternalServerError, RateLimitError

from perdure.testing.scripted_model import ScriptedProvider
from tests.providers.talk import relayed

TOOL = {"type": "function", "function": {"name": "f", "parameters": {
    "type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}}  # fmt: skip


@pytest.fixture
async def client() -> AsyncIterator[AsyncOpenAI]:
    """The SDK, against an HTTP server that only relays."""
    provider = ScriptedProvider()

    async def relay(request: web.Request) -> web.StreamResponse:
        path, body = request.match_info["path"], await request.read()
        async with provider.relay(path, body, {}) as answer:
            response = web.StreamResponse(status=answer.status, headers=answer.headers)
            await response.prepare(request)
            async for piece in answer.body:
                await response.write(piece)
            return response

    app = web.Application()
    app.router.add_post("/v1/{path:.*}", relay)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with AsyncOpenAI(
        base_url=f"http://127.0.0.1:{port}/v1", api_key="any", max_retries=0
    ) as client:
        yield client
    await runner.cleanup()


async def test_a_whole_answer_is_a_chat_completion(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "say: Hello there\nusage: 5 2"}]
    )
    assert (answer.object, answer.model) == ("chat.completion", "gpt-4o")
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content == "Hello there"
    assert answer.choices[0].message.tool_calls is None
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 7


async def test_a_streamed_answer_is_put_together_by_the_sdk(client: AsyncOpenAI) -> None:
    """Roles, calls in fragments, the finish reason, usage: what the SDK's own helper wants."""
    async with client.chat.completions.stream(
        model="m",
        messages=[{"role": "user", "content": "Go"}],
        tools=[TOOL],  # type: ignore[list-item]
        stream_options={"include_usage": True},
    ) as stream:
        final = await stream.get_final_completion()
    message = final.choices[0].message
    assert message.role == "assistant"
    assert message.tool_calls is not None
    (call,) = message.tool_calls
    assert (call.function.name, call.function.arguments) == ("f", '{"n":1}')
    assert final.choices[0].finish_reason == "tool_calls"
    assert final.usage is not None
    assert final.usage.prompt_tokens > 0


async def test_calls_and_refusals_come_whole(client: AsyncOpenAI) -> None:
    prompt = 'call: f {"n": 2}\ncall: g\nrefuse: No'
    answer = await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": prompt}]
    )
    message = answer.choices[0].message
    assert (message.content, message.refusal) == (None, "No")
    calls = [call for call in message.tool_calls or () if call.type == "function"]
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        ("f", '{"n": 2}'),
        ("g", "{}"),
    ]
    assert answer.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("cap", ["max_tokens", "max_completion_tokens"])
async def test_both_names_of_the_cap_are_known(client: AsyncOpenAI, cap: str) -> None:
    answer = await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "say: a b c"}], extra_body={cap: 2}
    )
    assert answer.choices[0].message.content == "a b "
    assert answer.choices[0].finish_reason == "length"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("server_error", InternalServerError),
        ("rate_limit_exceeded", RateLimitError),
        ("invalid_prompt", BadRequestError),
    ],
)
async def test_what_fails_at_once_has_the_status_of_its_kind(
    client: AsyncOpenAI, code: str, error: type[APIError], stream: bool
) -> None:
    with pytest.raises(error, match=f"The scripted model fails: {code}") as caught:
        await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": f"fail: {code}"}], stream=stream
        )
    assert caught.value.code == code


async def test_what_fails_later_is_an_error_in_the_stream(client: AsyncOpenAI) -> None:
    prompt = "say: one two three\nfail: server_error after 2 tokens"
    stream = await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": prompt}], stream=True
    )
    texts = [(await anext(stream)).choices[0].delta.content for _ in range(2)]
    assert texts == ["one ", "two "]
    with pytest.raises(APIError, match="The scripted model fails: server_error"):
        await anext(stream)


async def test_usage_is_streamed_only_when_asked_for() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    asked = {**body, "stream_options": {"include_usage": True}}
    for request, expected in ((body, 0), (asked, 1)):
        _, _, answer = await relayed(
            ScriptedProvider(), "chat/completions", json.dumps(request).encode()
        )
        *events, done, rest = answer.decode().split("\n\n")
        assert (done, rest) == ("data: [DONE]", "")
        chunks = [json.loads(event.removeprefix("data: ")) for event in events]
        assert sum("usage" in chunk for chunk in chunks) == expected
        assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
        assert len({chunk["id"] for chunk in chunks}) == 1


@pytest.mark.parametrize("path", ["moderations", "completions"])
async def test_what_it_cannot_do_is_told_with_what_to_configure(path: str) -> None:
    status, headers, answer = await relayed(ScriptedProvider(), path, b'{"model": "m"}')
    assert (status, headers["content-type"]) == (400, "application/json")
    assert json.loads(answer) == {
        "error": {
            "message": f"The scripted model has no {path}. Configure a model server that has, for "
            "example with --model-base-url.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    }


@pytest.mark.parametrize("path", ["chat/completions", "embeddings"])
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"\xff", b"{}", b'{"model": "m", "messages": "x", "input": 1}'),
        *(b"[" * 100_000, b'{"model": "m", "other": ' + b"[" * 100_000),
        b'{"model": "m", "input": ["a"' + b', "a"' * 2048 + b"]}",
    ],
)
async def test_a_request_that_cannot_be_read_is_refused(path: str, body: bytes) -> None:
    status, _, answer = await relayed(ScriptedProvider(), path, body)
    assert status == 400
    message = json.loads(answer)["error"]["message"]
    assert message.startswith("The scripted model cannot read this request: ")


@pytest.mark.parametrize("body", [b" " * 2**20 + b"{}", b"[" + b"1," * 200_000 + b"1]"])
async def test_a_request_that_is_too_large_is_refused(body: bytes) -> None:
    status, _, answer = await relayed(ScriptedProvider(), "embeddings", body)
    assert status == 413
    assert json.loads(answer)["error"]["type"] == "invalid_request_error"
