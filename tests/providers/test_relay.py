"""What is passed through to a model server, and what comes back."""

import asyncio
import json

import pytest

from perdure.errors import ProviderError
from perdure.model_servers import ModelServerSettings, connect
from perdure.providers.openai import OpenAIProvider
from perdure.providers.provider import Provider
from tests.model_servers.fixture import ModelServer
from tests.providers.conftest import KEY
from tests.providers.talk import relayed

EMBEDDINGS = (
    b'{"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}]}'
)


async def test_the_body_goes_and_comes_byte_for_byte(
    openai: Provider, model_server: ModelServer
) -> None:
    body = b'{ "model":"text" ,"input": "w\\u00f6rd", "n": 1.0}'
    status, headers, answer = await relayed(openai, "embeddings", body)
    assert (status, answer) == (200, EMBEDDINGS)
    (seen,) = model_server.seen()
    assert (seen["path"], seen["raw"]) == ("/v1/embeddings", body.decode())
    assert headers == {
        "content-type": "application/json; charset=utf-8",
        "x-request-id": "req_1",
        "openai-version": "2020-10-01",
    }


async def test_the_server_gets_our_key_and_never_the_client_s(
    openai: Provider, model_server: ModelServer
) -> None:
    given = {
        "Authorization": "Bearer client-key",
        "api-key": "client-key",
        "Cookie": "a=b",
        "Connection": "close",
        "content-type": "application/json",
        "X-Custom": "kept",
    }
    await relayed(openai, "embeddings", b'{"model": "text"}', given)
    headers = model_server.seen()[0]["headers"]
    assert isinstance(headers, dict)
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["x-custom"] == "kept"
    assert not {"api-key", "cookie", "connection"} & set(headers)
    assert "client-key" not in str(headers)


async def test_without_a_key_of_ours_the_client_s_is_still_kept_back(
    model_server: ModelServer,
) -> None:
    provider = OpenAIProvider(model_server.base_url)
    await relayed(provider, "embeddings", b'{"model": "text"}', {"Authorization": "Bearer c"})
    await provider.close()
    headers = model_server.seen()[0]["headers"]
    assert isinstance(headers, dict)
    assert "authorization" not in headers


async def test_a_refusal_is_passed_on_without_our_key(openai: Provider) -> None:
    status, _, answer = await relayed(openai, "embeddings", b'{"model": "unauthorized"}')
    assert status == 401
    assert json.loads(answer)["error"]["message"] == (
        "Incorrect API key provided: Authorization: Bearer ***"
    )


async def test_a_relayed_stream_that_is_left_closes_its_connection(
    openai: Provider, model_server: ModelServer
) -> None:
    body = b'{"model": "endless", "stream": true}'
    async with openai.relay("chat/completions", body, {}) as answer:
        async for piece in answer.body:
            assert piece
            break
    await asyncio.to_thread(model_server.wait_aborted, 1)


async def test_a_stream_that_is_cut_is_an_error_and_not_an_end(openai: Provider) -> None:
    async with openai.relay("chat/completions", b'{"model": "cut"}', {}) as answer:
        with pytest.raises(ProviderError, match="broke"):
            b"".join([piece async for piece in answer.body])


async def test_a_server_that_is_not_there_is_told() -> None:
    provider = OpenAIProvider("http://no-such-host.invalid/v1")
    with pytest.raises(ProviderError, match="cannot be reached"):
        await relayed(provider, "embeddings", b"{}")
    await provider.close()


async def test_only_the_model_s_name_is_changed_on_the_way(model_server: ModelServer) -> None:
    """Numbers, spaces and the order of keys stay as the client wrote them."""
    routing = connect([ModelServerSettings("a", model_server.base_url)], {"ada": "text"})
    body = b'{"input": [1.0, 12345678901234567890123, "\\u00f6" ], "model": "ada", "n": 1e2}'
    await relayed(routing, "embeddings", body)
    await routing.close()
    assert model_server.seen()[0]["raw"] == body.decode().replace('"ada"', '"text"')


async def test_a_name_that_stays_leaves_the_body_alone(model_server: ModelServer) -> None:
    routing = connect([ModelServerSettings("a", model_server.base_url)], {"ada": "text"})
    body = b'{ "model":   "text" }'
    await relayed(routing, "embeddings", body)
    await routing.close()
    assert model_server.seen()[0]["raw"] == body.decode()


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"model": 5}', b"{}", b"null"])
async def test_what_names_no_model_is_the_first_server_s_to_refuse(body: bytes) -> None:
    routing = connect(
        [ModelServerSettings("a", "scripted:"), ModelServerSettings("b", "scripted:")], {}
    )
    status, _, answer = await relayed(routing, "chat/completions", body)
    assert status == 400
    assert json.loads(answer)["error"]["type"] == "invalid_request_error"
