"""A model server that loads its model, or is not there for a moment, is waited for."""

import asyncio
import socket
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from perdure.errors import ProviderError
from perdure.providers import refusals
from perdure.providers.openai import OpenAIProvider
from perdure.providers.patience import STRANGER_SECONDS, Patience
from perdure.testing.manual_clock import ManualClock
from perdure.wire.base import encode
from tests.model_servers.answers import text
from tests.model_servers.fixture import ModelServer
from tests.patience import until
from tests.providers.talk import Heard, asks, fails, hear

SAID = "Hello from the módel 🙂 server."
# How often the tests look, in place of once a second.
OFTEN = 0.005


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def provider_at(url: str, clock: ManualClock, *, seconds: float = 120.0) -> OpenAIProvider:
    return OpenAIProvider(url, patience=Patience(seconds, clock, OFTEN))


@pytest.fixture
async def patient(model_server: ModelServer, clock: ManualClock) -> AsyncIterator[OpenAIProvider]:
    provider = provider_at(model_server.base_url, clock)
    yield provider
    await provider.close()


@asynccontextmanager
async def listening(port: int) -> AsyncIterator[None]:
    """A model server on this port."""

    async def completions(request: web.Request) -> web.StreamResponse:
        return await text(request, await request.json(), 0)

    app = web.Application()
    app.add_routes([web.post("/v1/chat/completions", completions)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
    yield
    await runner.cleanup()


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


async def waits(
    provider: OpenAIProvider, logs: list[MutableMapping[str, Any]]
) -> asyncio.Task[Heard]:
    """A call that has begun to wait."""
    call = asyncio.create_task(hear(provider, asks("text")))
    await until(lambda: [log for log in logs if log["event"] == "model_server_not_ready"])
    return call


@pytest.mark.parametrize("model", ["loads-5", "loads-for-long-2"])
async def test_a_model_that_is_being_loaded_is_waited_for(
    patient: OpenAIProvider, model_server: ModelServer, model: str
) -> None:
    with capture_logs() as logs:
        assert (await hear(patient, asks(model))).text == SAID
    assert len(model_server.bodies()) == int(model[-1]) + 1
    where = model_server.base_url
    assert logs == [
        {"event": "model_server_not_ready", "log_level": "warning", "server": where,
         "reason": "Loading model", "seconds": 120.0},
        {"event": "model_server_ready", "log_level": "info", "server": where, "seconds": 0.0},
    ]  # fmt: skip


async def test_it_is_waited_for_as_long_as_is_set_and_no_longer(
    patient: OpenAIProvider, model_server: ModelServer, clock: ManualClock
) -> None:
    call = asyncio.create_task(fails(patient, asks("loads-9999")))
    await asyncio.to_thread(model_server.wait_asked, 2)
    clock.advance(119)
    seen = len(model_server.bodies())
    await asyncio.to_thread(model_server.wait_asked, seen + 2)
    assert not call.done()
    clock.advance(1)
    assert await call == (
        "server_error",
        f"The model server at {model_server.base_url} was not ready after 120 seconds "
        "(model_patience_seconds). It said: Loading model",
    )


async def test_without_patience_nothing_is_waited_for(
    model_server: ModelServer, clock: ManualClock
) -> None:
    provider = provider_at(model_server.base_url, clock, seconds=0)
    await fails(provider, asks("loads-9999"))
    assert len(model_server.bodies()) == 1
    await provider.close()


async def test_a_server_that_never_answered_is_waited_for_ten_seconds(clock: ManualClock) -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    provider = provider_at(url, clock)
    with capture_logs() as logs:
        call = await waits(provider, logs)
        clock.advance(STRANGER_SECONDS - 1)
        await asyncio.sleep(0)
        assert not call.done()
        clock.advance(1)
        with pytest.raises(ProviderError) as caught:
            await call
    await provider.close()
    assert str(caught.value) == (
        f"The model server at {url} cannot be reached. It has not answered since Perdure was "
        "started: check that it runs, and its base_url."
    )


async def test_a_server_that_has_answered_may_take_its_time_to_come_back(
    clock: ManualClock,
) -> None:
    port = free_port()
    provider = provider_at(f"http://127.0.0.1:{port}/v1", clock)
    async with listening(port):
        assert (await hear(provider, asks("text"))).text == SAID
    with capture_logs() as logs:
        call = await waits(provider, logs)
        clock.advance(100)
        async with listening(port):
            assert (await call).text == SAID
    assert logs[-1]["event"] == "model_server_ready"
    assert logs[-1]["seconds"] == 100.0
    with capture_logs() as logs:
        call = await waits(provider, logs)
        clock.advance(120)
        with pytest.raises(ProviderError, match="It has answered before, and did not"):
            await call
    await provider.close()


async def test_a_call_that_is_given_up_waits_no_longer(
    patient: OpenAIProvider, model_server: ModelServer
) -> None:
    with capture_logs() as logs:
        call = asyncio.create_task(hear(patient, asks("loads-9999")))
        await until(lambda: logs)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_of_many_that_wait_the_log_is_told_once(
    patient: OpenAIProvider, model_server: ModelServer
) -> None:
    with capture_logs() as logs:
        await asyncio.gather(*(hear(patient, asks("loads-9")) for _ in range(5)))
    assert [log["event"] for log in logs] == ["model_server_not_ready", "model_server_ready"]


async def test_all_addresses_of_a_name_may_refuse(clock: ManualClock) -> None:
    provider = provider_at(f"http://localhost:{free_port()}/v1", clock, seconds=0)
    _, message = await fails(provider, asks("text"))
    assert "cannot be reached. It has not answered since" in message
    await provider.close()


@pytest.mark.parametrize(
    ("status", "words", "loads"),
    [
        (503, "Loading model", True),
        (503, "Model mistralai/Mistral-7B is currently loading", True),
        (503, "The model is still being loaded, please try again", True),
        (500, "llm server loading model", True),
        (503, "Model is not ready", True),
        (503, "The server is warming up", True),
        (400, "Loading model", False),
        (503, "No GPU is free.", False),
        (503, "Overloaded", False),
        (429, "Loading model", False),
        (500, "Failed to download the model", False),
    ],
)
def test_what_servers_say_while_they_load(status: int, words: str, *, loads: bool) -> None:
    body = encode({"error": {"message": words}})
    assert refusals.read(status, {}, body, secret=None).is_loading is loads
