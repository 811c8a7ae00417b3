"""Bounds of one connection: what is too long, too slow or too many is refused, and closed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from perdure.cli.protocol import (
    FIRST_REQUEST_SECONDS,
    ClientConnection,
    ConnectionCounts,
    _Phase,
)
from perdure.errors import TooManyRequests
from tests.cli.sockets import KEY, Listening, Raw, get, listening, post
from tests.examples import WITH_FIXTURES
from tests.patience import pass_time

HEAD_BYTES = 64 * 1024
# More than any limit, so that whoever waits for it waits for something else.
_LONG = 600.0
_SHORT = 0.05
_CHUNKED = b"POST /v1/threads HTTP/1.1\r\n" + KEY + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Listening]:
    times = dict.fromkeys(
        ("idle_connection_seconds", "head_seconds", "body_silence_seconds"), _LONG
    )
    async with listening(tmp_path / "data", **times) as server:
        yield server


def connections(server: Listening) -> list[ClientConnection]:
    """The server's side of the connections."""
    found = [*server.server.server_state.connections]
    assert all(isinstance(each, ClientConnection) for each in found)
    return found  # type: ignore[return-value] # just asserted


async def serving(server: Listening, raw: Raw) -> ClientConnection:
    """The server's side of a connection."""
    found: list[ClientConnection] = []
    while not found:
        await asyncio.sleep(0)
        found = [each for each in connections(server) if each.client == raw.address]
    return found[0]


async def until(server: Listening, holds: Callable[[], bool]) -> None:
    """Waits while the server works on requests of somebody else."""
    raw = await server.connect()
    while not holds():
        await raw.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await raw.answer()
    raw.close()


TOO_LARGE = {
    "many header lines": (b"GET /v1/models HTTP/1.1\r\n" + b"x-name: value\r\n" * 10_000, 431),
    "one value": (b"GET /v1/models HTTP/1.1\r\nx-name: " + b"v" * HEAD_BYTES, 431),
    "one name": (b"GET /v1/models HTTP/1.1\r\n" + b"n" * HEAD_BYTES, 431),
    "the URL": (b"GET /v1/" + b"u" * HEAD_BYTES, 414),
    "the query": (b"GET /v1/assistants?after=" + b"u" * HEAD_BYTES, 414),
    "the method": (b"\r\n" * HEAD_BYTES, 431),
    "trailers": (_CHUNKED + b"2\r\n{}\r\n0\r\n" + b"x-name: value\r\n" * 10_000, 431),
    "one trailer": (_CHUNKED + b"2\r\n{}\r\n0\r\nx-name: " + b"v" * 3 * HEAD_BYTES, 431),
    "a chunk's extension": (_CHUNKED + b"2;x=" + b"v" * 3 * HEAD_BYTES, 431),
}


@pytest.mark.parametrize("what", TOO_LARGE)
async def test_what_is_too_large_is_refused_with_the_envelope_and_the_connection_closed(
    what: str, server: Listening
) -> None:
    data, status = TOO_LARGE[what]
    raw = await (await server.connect()).send(data)
    answer = await raw.answer()
    assert (answer.status, answer.error["type"]) == (status, "invalid_request_error")
    assert answer.headers["connection"] == "close"
    assert await raw.is_closed()


@hypothesis_settings(WITH_FIXTURES, max_examples=25)
@given(over=st.integers(-3000, 3000), cuts=st.lists(st.integers(0, HEAD_BYTES + 3000), max_size=5))
@example(over=0, cuts=[])
@example(over=1, cuts=[])
async def test_a_head_may_have_the_most_bytes_and_not_one_more_in_whatever_pieces_it_comes(
    server: Listening, over: int, cuts: list[int]
) -> None:
    start, end = b"GET /v1/assistants HTTP/1.1\r\n" + KEY + b"x-name: ", b"\r\n\r\n"
    data = start + b"v" * (HEAD_BYTES + over - len(start) - len(end)) + end
    raw = await server.connect()
    edges = [0, *sorted(cuts), len(data)]
    for low, high in pairwise(edges):
        await raw.send(data[low:high])
    assert (await raw.answer()).status == (200 if over <= 0 else 431)
    raw.close()


async def test_headers_may_be_many_up_to_a_number(server: Listening) -> None:
    most = 256 - KEY.count(b"\r\n")
    assert (await server.ask(get("/assistants", more=b"a:\r\n" * most))).status == 200
    assert (await server.ask(get("/assistants", more=b"a:\r\n" * (most + 1)))).status == 431


async def test_a_body_may_be_larger_than_a_head_whole_and_in_chunks(server: Listening) -> None:
    body = b'{"metadata":{}' + b" " * 4 * HEAD_BYTES + b"}"
    assert (await server.ask(post("/threads", body))).status == 200
    chunks = b"".join(b"%x\r\n%b\r\n" % (1, body[at : at + 1]) for at in range(len(body)))
    assert (await server.ask(_CHUNKED + chunks + b"0\r\n\r\n")).status == 200


async def test_trailers_are_not_taken_for_headers(server: Listening) -> None:
    head = b"POST /v1/threads HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await server.ask(head + b"0\r\nAuthorization: Bearer key\r\n\r\n")
    assert answer.status == 401


async def test_a_connection_goes_on_after_small_refusals(server: Listening) -> None:
    raw = await server.connect()
    for path, status in (("/no", 404), ("/assistants?limit=0", 400), ("/assistants", 200)):
        await raw.send(get(path))
        assert (await raw.answer()).status == status


async def test_requests_may_come_before_the_answer_to_the_first_up_to_a_number(
    server: Listening,
) -> None:
    raw = await (await server.connect()).send(get("/assistants") * 40)
    answers = [await raw.answer() for _ in range(17)]
    assert {answer.status for answer in answers} == {200}
    assert "connection" not in answers[0].headers
    assert answers[-1].headers["connection"] == "close"
    assert await raw.is_closed()


async def test_what_is_not_http_is_refused_with_the_envelope(server: Listening) -> None:
    raw = await (await server.connect()).send(b"\x16\x03\x01 hello\r\n\r\n")
    assert (await raw.answer()).error["message"] == "Invalid HTTP request received."
    assert await raw.is_closed()


async def test_what_is_not_http_breaks_off_the_answer_that_is_under_way_and_adds_none(
    server: Listening,
) -> None:
    """Nobody could tell where one ends and the other begins."""
    assistant = await server.ask(post("/assistants", b'{"model":"m"}'))
    run = {
        "assistant_id": json.loads(assistant.body)["id"],
        "thread": {"messages": [{"role": "user", "content": "wait 10 ms\nforever"}]},
        "stream": True,
    }
    raw = await (await server.connect()).send(post("/threads/runs", json.dumps(run).encode()))
    assert (await raw.until(b"thread.message.delta")).startswith(b"HTTP/1.1 200 OK")
    rest = await (await raw.send(b"\0 what?\r\n\r\n")).rest()
    assert b"HTTP/1.1" not in rest
    assert b"[DONE]" not in rest


@pytest.mark.parametrize(
    ("setting", "sent", "status"),
    [
        ("idle_connection_seconds", b"", None),
        ("head_seconds", b"GET /v1/models HTTP/1.1\r\nx-na", 408),
        ("body_silence_seconds", _CHUNKED + b"2\r\n{", 408),
        ("body_silence_seconds", post("/threads", b"{}")[:-1], 408),
    ],
)
async def test_a_client_that_falls_silent_is_refused_in_time(
    setting: str, sent: bytes, status: int | None, tmp_path: Path
) -> None:
    times = dict.fromkeys(
        ("idle_connection_seconds", "head_seconds", "body_silence_seconds"), _LONG
    )
    async with listening(tmp_path / "data", **times | {setting: _SHORT}) as server:
        raw = await (await server.connect()).send(sent)
        if status is not None:
            answer = await raw.answer()
            assert (answer.status, answer.error["code"]) == (status, "request_timeout")
        assert await raw.is_closed()


async def test_a_connection_is_closed_some_time_after_its_last_answer(server: Listening) -> None:
    raw = await (await server.connect()).send(get("/assistants"))
    assert (await raw.answer()).status == 200
    connection = await serving(server, raw)
    await until(server, lambda: connection._phase is _Phase.IDLE)
    pass_time(_LONG)
    assert await raw.is_closed()


async def test_a_body_that_was_refused_at_once_must_end_in_time_all_the_same(
    server: Listening,
) -> None:
    raw = await server.connect()
    await raw.send(post("/threads", b"{}", key=b"Host: localhost\r\n")[:-1])
    assert (await raw.answer()).status == 401
    connection = await serving(server, raw)
    await until(server, lambda: connection._phase is _Phase.REST)
    pass_time(_LONG)
    assert await raw.is_closed()


async def test_the_time_of_a_head_is_not_prolonged_by_what_comes_of_it(server: Listening) -> None:
    """Nor is there more than one timer, however many pieces come."""
    raw = await (await server.connect()).send(b"GET /v1/models HTTP/1.1\r\n")
    connection = await serving(server, raw)
    await until(server, lambda: connection._unparsed > 0)
    deadline, timer = connection._deadline, connection._timer
    for _ in range(20):
        seen = connection._unparsed + len(b"x: y\r\n")
        await raw.send(b"x: y\r\n")
        await until(server, partial(_has, connection, seen))
    assert (connection._deadline, connection._timer) == (deadline, timer)


def _has(connection: ClientConnection, size: int) -> bool:
    return connection._unparsed >= size


async def test_the_time_of_a_body_begins_anew_with_each_piece_and_the_timer_stays(
    server: Listening,
) -> None:
    raw = await (await server.connect()).send(_CHUNKED)
    connection = await serving(server, raw)
    await until(server, lambda: connection._phase is _Phase.BODY)
    timer = connection._timer
    for _ in range(20):
        deadline = connection._deadline
        await raw.send(b"1\r\n \r\n")
        await until(server, partial(_is_later, connection, deadline))
    assert connection._timer is timer


def _is_later(connection: ClientConnection, deadline: float) -> bool:
    return connection._deadline > deadline


async def _download(server: Listening) -> Raw:
    """Somebody who asks for a large content and takes nothing of it."""
    head = b"POST /v1/files HTTP/1.1\r\n" + KEY + b"Content-Type: multipart/form-data; boundary=b"
    fields = (
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    )
    body = fields + b"x" * 20_000_000 + b"\r\n--b--\r\n"
    answer = await server.ask(head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    file_id = answer.body.partition(b'"id":"')[2].partition(b'"')[0].decode()
    raw = await server.connect()
    return await raw.send(get(f"/files/{file_id}/content"))


async def _stalled(server: Listening) -> Raw:
    """The same, and the server has sent as much as it can."""
    raw = await _download(server)
    connection = await serving(server, raw)
    await until(server, lambda: connection.flow.write_paused)
    return raw


async def test_a_client_that_takes_nothing_of_its_answer_is_closed_in_time(tmp_path: Path) -> None:
    async with listening(tmp_path / "data", answer_silence_seconds=_LONG) as server:
        stalled = await serving(server, await _stalled(server))
        pass_time(_LONG)
        await until(server, lambda: stalled not in connections(server))


async def test_a_client_may_take_its_time_with_an_answer_whatever_the_other_limits(
    tmp_path: Path,
) -> None:
    times = dict.fromkeys(
        ("idle_connection_seconds", "head_seconds", "body_silence_seconds"), _LONG
    )
    async with listening(tmp_path / "data", **times, answer_silence_seconds=2 * _LONG) as server:
        slow = await _stalled(server)
        idle = await server.connect()
        await serving(server, idle)
        pass_time(_LONG)
        assert await idle.is_closed()
        answer = await slow.answer()
        assert (answer.status, len(answer.body)) == (200, 20_000_000)


async def test_an_address_has_so_many_connections_and_no_more(tmp_path: Path) -> None:
    async with listening(tmp_path / "data", connections_per_address=2) as server:
        first, second = await server.connect(), await server.connect()
        refused = await server.connect()
        answer = await refused.answer()
        assert (answer.status, answer.error["code"]) == (429, "too_many_connections")
        assert answer.headers["retry-after"] == "5"
        assert await refused.is_closed()
        for raw in (first, second):
            await raw.send(get("/assistants"))
            assert (await raw.answer()).status == 200
        first.close()
        while len(connections(server)) > 1:
            await second.send(get("/assistants"))
            await second.answer()
        third = await (await server.connect()).send(get("/assistants"))
        assert (await third.answer()).status == 200


async def test_the_connections_of_a_trusted_proxy_are_not_counted(tmp_path: Path) -> None:
    chosen = {"connections_per_address": 1, "trusted_proxies": "10.0.0.0/8, 127.0.0.1"}
    async with listening(tmp_path / "data", **chosen) as server:
        for raw in [await server.connect() for _ in range(5)]:
            await raw.send(get("/assistants"))
            assert (await raw.answer()).status == 200


def test_an_ipv6_network_of_64_bits_counts_as_one_address() -> None:
    census = ConnectionCounts(1, [ip_network("2001:db8:1::/48"), ip_network("10.1.0.0/16")])
    census.enter("2001:db8:2::1")
    census.enter("2001:db8:2:1::1")
    for again in ("2001:db8:2::2", "2001:db8:2:0:ffff::"):
        with pytest.raises(TooManyRequests):
            census.enter(again)
    census.enter("192.0.2.1")
    with pytest.raises(TooManyRequests):
        census.enter("::ffff:192.0.2.1")
    for trusted in ("2001:db8:1:2::3", "10.1.2.3", "::ffff:10.1.2.3"):
        assert census.enter(trusted) is None
        assert census.enter(trusted) is None


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["192.0.2.1", "192.0.2.2"])), max_size=40))
def test_the_count_is_that_of_the_connections_that_are_open(
    moves: list[tuple[bool, str]],
) -> None:
    census, open_ = ConnectionCounts(3, []), dict[str, list[object]]()
    for enters, host in moves:
        keys = open_.setdefault(host, [])
        if not enters and keys:
            census.leave(keys.pop())
        elif enters and len(keys) < 3:
            keys.append(census.enter(host))
        elif enters:
            with pytest.raises(TooManyRequests):
                census.enter(host)


async def test_a_server_that_stops_answers_the_first_request_of_who_has_just_connected(
    server: Listening,
) -> None:
    raw = await server.connect()
    (await serving(server, raw)).shutdown()
    await raw.send(get("/assistants"))
    answer = await raw.answer()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert await raw.is_closed()


async def test_a_server_that_stops_waits_a_moment_for_who_says_nothing(server: Listening) -> None:
    raw = await server.connect()
    (await serving(server, raw)).shutdown()
    pass_time(FIRST_REQUEST_SECONDS)
    assert await raw.is_closed()


async def test_a_server_that_stops_closes_connections_that_had_their_answer(
    server: Listening,
) -> None:
    raw = await server.connect()
    assert (await (await raw.send(get("/assistants"))).answer()).status == 200
    (await serving(server, raw)).shutdown()
    assert await raw.is_closed()
