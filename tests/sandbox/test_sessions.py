"""Sessions by key: kept, evicted, lost and told, first come first served; never shared."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack

import pytest
from structlog.testing import capture_logs

from perdure.errors import ConfigurationError
from perdure.sandbox.sandbox import Output, SessionLost, Text
from perdure.sandbox.sessions import Sessions
from perdure.testing.manual_clock import ManualClock
from perdure.testing.scripted_sandbox import ScriptedSandbox, ScriptedSession
from tests.sandbox.talk import run


def echo(code: str) -> Iterable[Output]:
    """The code itself, as if it had printed itself."""
    yield Text(code, "stdout")


@pytest.fixture
def sandbox() -> ScriptedSandbox:
    return ScriptedSandbox(echo)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sessions(sandbox: ScriptedSandbox, clock: ManualClock) -> AsyncIterator[Sessions]:
    """Room for two keys, and one session that is ready."""
    sessions = Sessions(sandbox, clock=clock, most=2, spare=1, idle_seconds=3600)
    yield sessions
    await sessions.close()


async def test_a_key_keeps_its_session(sessions: Sessions) -> None:
    async with sessions.hold("a") as first:
        assert (first.is_new, first.lost) == (True, None)
    async with sessions.hold("a") as second:
        assert second.session is first.session
        assert (second.is_new, second.lost) == (False, None)


async def test_two_keys_never_share_a_session(sessions: Sessions) -> None:
    async with sessions.hold("a") as one, sessions.hold("b") as other:
        assert one.session is not other.session


async def test_a_session_is_ready_before_it_is_needed_and_another_after(
    sessions: Sessions, sandbox: ScriptedSandbox
) -> None:
    await sessions.step()
    [ready] = sandbox.started
    async with sessions.hold("a") as held:
        assert held.session is ready
    await sessions.step()
    assert len(sandbox.started) == 2
    await sessions.step()
    assert len(sandbox.started) == 2


async def test_a_used_session_never_becomes_another_keys(
    sessions: Sessions, sandbox: ScriptedSandbox
) -> None:
    async with sessions.hold("a") as held:
        pass
    await sessions.end("a")
    assert held.session.lost is not None
    async with sessions.hold("b") as other:
        assert other.session is not held.session


async def test_a_ready_session_that_died_is_not_given_out(
    sessions: Sessions, sandbox: ScriptedSandbox
) -> None:
    await sessions.step()
    sandbox.started[0].lose("It crashed.")
    async with sessions.hold("a") as held:
        assert held.session.lost is None
        assert held.lost is None


async def test_the_one_that_was_unused_the_longest_makes_room(
    sessions: Sessions, clock: ManualClock
) -> None:
    for key in ("a", "b"):
        async with sessions.hold(key):
            clock.advance(1)
    async with sessions.hold("a") as first:
        clock.advance(1)
    async with sessions.hold("c"):
        pass
    async with sessions.hold("a") as held:
        assert held.session is first.session
    async with sessions.hold("b") as evicted:
        assert (evicted.is_new, evicted.lost) == (True, "Other threads needed its place.")


async def test_a_session_that_nobody_uses_ends_after_its_time(
    sessions: Sessions, clock: ManualClock
) -> None:
    async with sessions.hold("a") as used:
        pass
    clock.advance(3599)
    await sessions.step()
    assert used.session.lost is None
    clock.advance(1)
    await sessions.step()
    assert used.session.lost is not None
    async with sessions.hold("a") as held:
        assert held.lost == "It was not used for a long time."


async def test_a_session_in_use_does_not_end_by_time(
    sessions: Sessions, clock: ManualClock
) -> None:
    async with sessions.hold("a") as held:
        clock.advance(10_000)
        await sessions.step()
        assert held.session.lost is None
    await sessions.step()
    assert held.session.lost is None


async def test_a_lost_session_is_told_once_and_followed_by_a_new_one(sessions: Sessions) -> None:
    async with sessions.hold("a") as held:
        assert isinstance(held.session, ScriptedSession)
        held.session.lose("It used too much memory.")
        with pytest.raises(SessionLost, match="too much memory"):
            await run(held.session, "1")
    async with sessions.hold("a") as after:
        assert (after.is_new, after.lost) == (True, "It used too much memory.")
        assert (await run(after.session, "1")).text == "1"
    async with sessions.hold("a") as again:
        assert (again.is_new, again.lost) == (False, None)


async def test_callers_of_one_key_come_one_after_the_other_in_order(sessions: Sessions) -> None:
    order: list[str] = []

    async def use(name: str) -> None:
        async with sessions.hold("a"):
            order.append(f"{name} in")
            await asyncio.sleep(0)
            order.append(f"{name} out")

    await asyncio.gather(*(use(str(number)) for number in range(3)))
    assert order == ["0 in", "0 out", "1 in", "1 out", "2 in", "2 out"]


async def test_keys_wait_for_a_place_in_the_order_in_which_they_came(sessions: Sessions) -> None:
    order: list[str] = []
    release = asyncio.Event()

    async def use(key: str) -> None:
        async with sessions.hold(key):
            order.append(key)
            await release.wait()

    async with asyncio.TaskGroup() as group:
        for key in ("a", "b", "c", "d", "e"):
            group.create_task(use(key))
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert order == ["a", "b"]
        release.set()
    assert order == ["a", "b", "c", "d", "e"]


async def test_who_stops_waiting_holds_up_nobody(sessions: Sessions) -> None:
    async with sessions.hold("a"), sessions.hold("b"):
        waiting = asyncio.create_task(_use(sessions, "c"))
        behind = asyncio.create_task(_use(sessions, "d"))
        for _ in range(5):
            await asyncio.sleep(0)
        waiting.cancel()
        assert not behind.done()
    await behind
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def _use(sessions: Sessions, key: str) -> None:
    async with sessions.hold(key):
        pass


class _Slow(ScriptedSession):
    """A session whose end takes until it may come."""

    may_end = asyncio.Event()

    async def close(self) -> None:
        self.lose("The session was closed.")
        await self.may_end.wait()


class _SlowSandbox(ScriptedSandbox):
    async def start(self, *, warm: bool = False) -> ScriptedSession:
        self.started.append(session := _Slow(echo))
        return session


@pytest.fixture
async def slow(clock: ManualClock) -> AsyncIterator[Sessions]:
    """Room for two keys, whose sessions take long to end."""
    _Slow.may_end = asyncio.Event()
    sessions = Sessions(_SlowSandbox(), clock=clock, most=2, spare=0, idle_seconds=3600)
    yield sessions
    _Slow.may_end.set()
    await sessions.close()


async def settled() -> None:
    """Until everybody waits for something."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_is_used_again_while_others_end_does_not_end(
    slow: Sessions, clock: ManualClock
) -> None:
    for key in ("a", "b"):
        await _use(slow, key)
    clock.advance(3600)
    stepping = asyncio.create_task(slow.step())
    holding = asyncio.create_task(_run(slow, "b"))
    await settled()
    _Slow.may_end.set()
    await stepping
    assert await holding == "b"
    # and it is as much as ever there is room for
    assert await asyncio.gather(*(_run(slow, key) for key in "cde")) == ["c", "d", "e"]


async def test_an_end_that_takes_long_holds_up_nobody_else_in_line(slow: Sessions) -> None:
    await _use(slow, "a")
    async with slow.hold("b"):
        evicting = asyncio.create_task(_run(slow, "c"))
        await settled()
        behind = asyncio.create_task(_run(slow, "d"))
        await settled()
        assert (evicting.done(), behind.done()) == (False, False)
        # who does not want to wait for it any more leaves its place to the next
        evicting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await evicting
        assert await behind == "d"


async def test_a_key_keeps_its_place_until_it_says_so(sessions: Sessions) -> None:
    """However many others want it between two calls, and in whatever order."""

    async def three_calls(key: str) -> int:
        seen = set()
        with ExitStack() as until:
            for _ in range(3):
                async with sessions.hold(key, until=until) as held:
                    seen.add(held.session)
                    assert (await run(held.session, "1")).text == "1"
                await settled()
        return len(seen)

    keys = [str(number) for number in range(7)]
    assert await asyncio.gather(*map(three_calls, keys)) == [1] * 7


async def test_who_lost_its_session_waits_in_line_again(sessions: Sessions) -> None:
    with ExitStack() as until:
        for key in ("a", "b"):
            async with sessions.hold(key, until=until) as held:
                assert isinstance(held.session, ScriptedSession)
                held.session.lose("It crashed.")
        async with sessions.hold("c"), sessions.hold("d"):
            again = asyncio.create_task(_run(sessions, "a"))
            await settled()
            assert not again.done()
        assert await again == "a"


async def test_the_reason_of_a_loss_is_told_until_a_caller_came_to_its_end(
    sessions: Sessions,
) -> None:
    async with sessions.hold("a") as held:
        await held.end("It was cancelled.")
    never = asyncio.Event()
    interrupted = asyncio.create_task(_run(sessions, "a", never))
    await settled()
    interrupted.cancel()
    with pytest.raises(asyncio.CancelledError):
        await interrupted
    async with sessions.hold("a") as told:
        assert (told.is_new, told.lost) == (True, "It was cancelled.")
    async with sessions.hold("a") as after:
        assert (after.is_new, after.lost) == (False, None)


async def _run(sessions: Sessions, key: str, until: asyncio.Event | None = None) -> str:
    """Runs code in the key's session; what it printed."""
    async with sessions.hold(key) as held:
        if until is not None:
            await until.wait()
        await settled()
        return (await run(held.session, key)).text


class _Broken(ScriptedSandbox):
    def __init__(self) -> None:
        super().__init__()
        self.error: Exception = ConfigurationError("bubblewrap is missing")
        self.tries = 0

    async def start(self, *, warm: bool = False) -> ScriptedSession:
        self.tries += 1
        raise self.error


async def test_where_none_can_start_it_is_tried_less_and_less_often_and_said_once(
    clock: ManualClock,
) -> None:
    sandbox = _Broken()
    sessions = Sessions(sandbox, clock=clock, most=1, spare=1, idle_seconds=3600)
    with capture_logs() as said:
        for _ in range(600):
            await sessions.step()
            clock.advance(1)
        assert sandbox.tries == 10
        sandbox.error = ConfigurationError("bubblewrap is too old")
        clock.advance(600)
        await sessions.step()
        sandbox.error = ZeroDivisionError("a bug")
        clock.advance(600)
        await sessions.step()
    assert [(line["event"], line.get("reason")) for line in said] == [
        ("no_spare_session", "bubblewrap is missing"),
        ("no_spare_session", "bubblewrap is too old"),
        ("spare_session_broke", None),
    ]
    await sessions.close()


async def test_where_none_can_start_everybody_is_told_and_nobody_waits(clock: ManualClock) -> None:
    sessions = Sessions(_Broken(), clock=clock, most=1, spare=1, idle_seconds=3600)
    await sessions.step()
    for _ in range(3):
        with pytest.raises(ConfigurationError, match="bubblewrap is missing"):
            await _use(sessions, "a")
    await sessions.close()


async def test_at_the_end_all_sessions_end(sessions: Sessions, sandbox: ScriptedSandbox) -> None:
    await sessions.step()
    await _use(sessions, "a")
    await sessions.step()
    await sessions.close()
    assert [session.lost for session in sandbox.started] == ["The session was closed."] * 2
