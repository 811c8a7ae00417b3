"""The HTTP sender: posts once, and goes nowhere it must not."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from perdure.webhooks.http_sender import HttpSender
from perdure.webhooks.sender import SendFailed, WebhookResponse
from tests.patience import PATIENCE_SECONDS
from tests.webhooks.receiver import Receiver

REFUSED = "It is refused: its address is not public, and webhook_private_targets is not set."


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    """A sender that may reach this machine."""
    sender = HttpSender(private_targets=True)
    yield sender
    await sender.close()


@pytest.fixture
async def guarded() -> AsyncIterator[HttpSender]:
    """A sender as it is unless the settings say otherwise."""
    sender = HttpSender()
    yield sender
    await sender.close()


async def _failure(sender: HttpSender, url: str) -> str:
    with pytest.raises(SendFailed) as failed:
        await sender.send(url, {}, b"{}")
    return str(failed.value)


async def test_a_body_is_posted_with_its_headers(sender: HttpSender, receiver: Receiver) -> None:
    answer = await sender.send(f"{receiver.url}/hook?a=1", {"webhook-id": "evt_1"}, b"\xc3\xa4")
    assert answer == WebhookResponse(204, None)
    (received,) = receiver.received
    assert (received.path, received.body) == ("/hook", b"\xc3\xa4")
    assert received.headers["webhook-id"] == "evt_1"
    assert received.headers["user-agent"] == "perdure"


async def test_the_status_and_the_wait_that_was_asked_for_are_told(
    sender: HttpSender, receiver: Receiver
) -> None:
    receiver.answers = [web.Response(status=503, headers={"Retry-After": "120"})]
    assert await sender.send(receiver.url, {}, b"{}") == WebhookResponse(503, "120")


async def test_no_redirect_is_followed(sender: HttpSender, receiver: Receiver) -> None:
    receiver.answers = [web.Response(status=307, headers={"Location": f"{receiver.url}/other"})]
    assert await sender.send(f"{receiver.url}/hook", {}, b"{}") == WebhookResponse(307)
    assert [received.path for received in receiver.received] == ["/hook"]


async def test_no_cookie_is_kept(sender: HttpSender, receiver: Receiver) -> None:
    receiver.answers = [web.Response(headers={"Set-Cookie": "a=1"})]
    # cookies are not kept for addresses at all, for names they are
    url = receiver.url.replace("127.0.0.1", "localhost")
    await sender.send(url, {}, b"{}")
    await sender.send(url, {}, b"{}")
    assert ["cookie" in received.headers for received in receiver.received] == [False, False]


async def test_no_proxy_of_the_environment_is_used(
    sender: HttpSender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert await sender.send(receiver.url, {}, b"{}") == WebhookResponse(204)


async def test_an_answer_without_end_is_not_read(sender: HttpSender) -> None:
    """The target goes on sending until the connection is closed on it."""
    closed = asyncio.Event()

    async def pour(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65_536)
        except ConnectionError:
            closed.set()
            raise

    application = web.Application()
    application.router.add_post("/", pour)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    assert await sender.send(f"http://127.0.0.1:{port}/", {}, b"{}") == WebhookResponse(200)
    await asyncio.wait_for(closed.wait(), PATIENCE_SECONDS)
    await runner.cleanup()


async def test_a_target_that_does_not_answer_in_time_has_failed(receiver: Receiver) -> None:
    receiver.open.clear()
    sender = HttpSender(private_targets=True, timeout_seconds=0.05)
    assert await _failure(sender, receiver.url) == "It did not answer in time."
    await sender.close()


async def test_a_target_that_cannot_be_reached_has_failed(sender: HttpSender) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert await _failure(sender, f"http://127.0.0.1:{port}") == "It cannot be reached."
    unknown = await _failure(sender, "http://no-such-host.invalid/")
    assert unknown == "Its host name is not known."


async def test_a_target_without_tls_has_failed(sender: HttpSender, receiver: Receiver) -> None:
    assert await _failure(sender, receiver.url.replace("http:", "https:")) == "TLS failed."


async def test_a_target_that_hangs_up_has_failed(sender: HttpSender) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert await _failure(sender, f"http://127.0.0.1:{port}") == "The connection broke."


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("127.0.0.1", REFUSED),
        ("localhost", REFUSED),
        ("[::ffff:127.0.0.1]", REFUSED),
        ("0x7f.1", REFUSED),
        ("0.0.0.0", REFUSED),
        ("2130706433", "Its URL is not valid."),
        ("0", "Its URL is not valid."),
    ],
)
async def test_no_way_to_write_a_private_address_gets_through(
    guarded: HttpSender, receiver: Receiver, host: str, reason: str
) -> None:
    url = receiver.url.replace("127.0.0.1", host)
    assert await _failure(guarded, url) == reason
    assert receiver.received == []


async def test_an_address_that_a_name_server_gives_late_does_not_get_through(
    receiver: Receiver,
) -> None:
    """What is checked is the address of the connection, and not an earlier answer for the name."""

    class Rebinding(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            return [
                {
                    "hostname": host,
                    "host": "127.0.0.1",
                    "port": port,
                    "family": family,
                    "proto": 0,
                    "flags": socket.AI_NUMERICHOST,
                }
            ]

        async def close(self) -> None:
            """Holds nothing."""

    guarded = HttpSender(resolver=Rebinding())
    url = receiver.url.replace("127.0.0.1", "example.com")
    assert await _failure(guarded, url) == REFUSED
    assert receiver.received == []
    await guarded.close()
