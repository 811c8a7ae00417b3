"""The limits on the time of a response."""

import asyncio
from collections.abc import Callable

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader

from perdure.providers.response_timer import ResponseTimer
from tests.patience import pass_time, until

IDLE, TOTAL = 1000.0, 2500.0


def content() -> StreamReader:
    return StreamReader(BaseProtocol(asyncio.get_running_loop()), 1024)


def timed(reader: StreamReader) -> ResponseTimer:
    return ResponseTimer(reader, idle_seconds=IDLE, total_seconds=TOTAL)


def failed(reader: StreamReader, kind: type[BaseException]) -> Callable[[], bool]:
    return lambda: isinstance(reader.exception(), kind)


async def pass_until_looked(seconds: float) -> None:
    """Lets the time pass, and timers that are due run."""
    pass_time(seconds)
    reached = asyncio.Event()
    asyncio.get_running_loop().call_later(0, reached.set)
    await reached.wait()


async def test_silence_after_the_last_read_ends_the_response() -> None:
    reader = content()
    with timed(reader) as timer:
        await pass_until_looked(IDLE - 10)
        reader.feed_data(b"x")
        assert await reader.readany() == b"x"
        timer.note_read()
        await pass_until_looked(IDLE - 10)
        assert reader.exception() is None
        pass_time(20)
        await until(failed(reader, aiohttp.SocketTimeoutError))


async def test_what_came_and_is_not_read_yet_is_no_silence() -> None:
    reader = content()
    with timed(reader):
        reader.feed_data(b"x")
        await pass_until_looked(IDLE + 10)
        await pass_until_looked(IDLE + 10)
        assert reader.exception() is None
        assert await reader.readany() == b"x"


async def test_a_response_that_takes_too_long_is_ended_however_often_it_is_read() -> None:
    reader = content()
    with timed(reader) as timer:
        for _ in range(3):
            await pass_until_looked(IDLE - 200)
            reader.feed_data(b"x")
            assert await reader.readany() == b"x"
            timer.note_read()
        pass_time(200)
        await until(failed(reader, TimeoutError))
        with pytest.raises(TimeoutError, match="too long"):
            await reader.readany()


async def test_a_response_that_was_read_has_no_limit_any_more() -> None:
    reader = content()
    with timed(reader):
        pass
    await pass_until_looked(2 * TOTAL)
    assert reader.exception() is None
