"""Coroutines that begin outside of a task."""

import asyncio

import pytest

from perdure.api import eager_coroutines


async def _wait(steps: list[object], *waits: "asyncio.Future[object]") -> None:
    for wait in waits:
        try:
            steps.append(await wait)
        except BaseException as error:
            steps.append(type(error))
            raise
    steps.append("end")


async def test_what_never_waits_has_ended_at_once() -> None:
    steps: list[object] = []
    assert eager_coroutines.begin(_wait(steps)) is None
    assert steps == ["end"]


async def test_what_waits_goes_on_where_its_rest_is_awaited() -> None:
    steps: list[object] = []
    first, second = (asyncio.get_running_loop().create_future() for _ in range(2))
    rest = eager_coroutines.begin(_wait(steps, first, second))
    assert rest is not None
    assert steps == []
    first.set_result(1)
    going_on = asyncio.ensure_future(rest)
    await asyncio.sleep(0)
    second.set_result(2)
    await going_on
    assert steps == [1, 2, "end"]


async def test_an_error_and_a_cancel_reach_the_coroutine_and_come_out_of_it() -> None:
    steps: list[object] = []
    broken = asyncio.get_running_loop().create_future()
    rest = eager_coroutines.begin(_wait(steps, broken))
    assert rest is not None
    broken.set_exception(ConnectionError())
    with pytest.raises(ConnectionError):
        await rest
    endless = eager_coroutines.begin(_wait(steps, asyncio.get_running_loop().create_future()))
    assert endless is not None
    waiting = asyncio.ensure_future(endless)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert steps == [ConnectionError, asyncio.CancelledError]
