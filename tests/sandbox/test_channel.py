"""The host's end of the socket, without a sandbox behind it."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from perdure.sandbox.channel import Broken, Channel
from tests.patience import PATIENCE_SECONDS


class Ends:
    """A channel, and the socket that it speaks to."""

    def __init__(self, channel: Channel, other: socket.socket) -> None:
        self.channel = channel
        self.other = other


@pytest_asyncio.fixture
async def ends() -> AsyncIterator[Ends]:
    ours, other = socket.socketpair()
    channel = await Channel.over(ours, most=1000)
    yield Ends(channel, other)
    await channel.close()
    other.close()


async def test_who_waits_for_a_frame_hears_of_the_end(ends: Ends) -> None:
    """It is not taken for being cancelled itself."""
    waiting = asyncio.create_task(ends.channel.receive(seconds=PATIENCE_SECONDS))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await ends.channel.close()
    with pytest.raises(Broken):
        await waiting
    with pytest.raises(Broken):
        await ends.channel.receive(seconds=PATIENCE_SECONDS)


async def test_a_frame_that_came_too_late_is_given_to_the_next(ends: Ends) -> None:
    with pytest.raises(TimeoutError):
        await ends.channel.receive(seconds=0)
    ends.other.sendall(b"\0\0\0\1\1x")
    assert await ends.channel.receive(seconds=PATIENCE_SECONDS) == b"x"
