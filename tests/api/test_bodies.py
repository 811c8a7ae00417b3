"""Bodies on their way in leave the event loop to others."""

import asyncio
from contextlib import ExitStack

import pytest

from perdure.api.bodies import HeldBytes, RequestBytes

SMALL, LARGE = 1000, 1_000_000


@pytest.mark.parametrize(("bodies", "turns"), [(1, 0), (4, 1), (40, 10)])
async def test_the_more_large_bodies_come_in_the_longer_each_rests(bodies: int, turns: int) -> None:
    held = HeldBytes(100 * LARGE)
    with ExitStack() as stack:
        requests = [stack.enter_context(RequestBytes(held)) for _ in range(bodies)]
        for request in requests:
            request.add(LARGE)
        assert await _turns_of(requests[0]) == turns
    assert held.large == 0


async def test_a_small_body_is_read_at_once_beside_large_ones() -> None:
    held = HeldBytes(100 * LARGE)
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(RequestBytes(held)).add(LARGE)
        small = stack.enter_context(RequestBytes(held))
        small.add(SMALL)
        assert await _turns_of(small) == 0


async def _turns_of(request: RequestBytes) -> int:
    """The turns of the event loop that others have meanwhile."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(others())
    await asyncio.sleep(0)
    await request.rest()
    counted = turns
    task.cancel()
    return counted
