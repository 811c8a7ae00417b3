"""What a listener hears at a server that does not work on the run: the same, whatever is lost."""

import asyncio
from collections import defaultdict
from contextlib import ExitStack

from hypothesis import given
from hypothesis import strategies as st

from perdure.bus.outbox import PAUSE_SECONDS
from perdure.bus.shared import SharedBus
from perdure.lifecycle import MESSAGE_DELTA
from perdure.wire.events import Delta, Event, Queued
from tests.api.test_takeovers import LETTERS, TOPIC, Listener, Run, runs, told_of
from tests.bus.servers import Facts, Wire, wired
from tests.patience import pass_time, until

_CANCELLING = "thread.run.cancelling"


class DistantListener(Listener):
    """A client of another server, which looks at the log where the bus brings an event."""

    log: list[Event]

    def hear(self) -> None:
        if self._frames and not self._frames.ended and self._subscription:
            told = self._subscription._queue.take()  # type: ignore[attr-defined]
            seq = self._frames.cursor.seq
            missed = [event for event in self.log if event.seq > seq] if seq else []
            has_event = any(isinstance(item, Event) for item in told)
            self._hear(self._frames.follow(told, log=missed if has_event else []))


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def _play(run: Run, data: st.DataObject) -> DistantListener:
    """Tells the run at one server after the other, while a client of another comes and goes."""
    told = told_of(run)
    # Connects, reads the log, leaves; and again.
    moments = st.lists(st.integers(0, len(told) - 1), min_size=2, max_size=8)
    acts: defaultdict[int, list[str]] = defaultdict(list)
    for turn, moment in enumerate(sorted(data.draw(moments))):
        acts[moment].append(("connect", "read", "leave")[turn % 3])
    lost, doubled, late = (data.draw(st.sets(st.integers(0, len(told) - 1))) for _ in range(3))
    wire, facts, listener = Wire(), Facts(), DistantListener()
    listener.log = facts.events.setdefault(TOPIC, [])
    async with (
        wired(wire, "server_a", facts) as first,
        wired(wire, "server_b", facts) as second,
        wired(wire, "server_c", facts) as here,
    ):
        await until(lambda: len(here.peers) == 2 and first.peers and second.peers)
        workers, owned = [first, second], ExitStack()
        owned.enter_context(workers[0].on_interrupt(TOPIC, lambda: None))
        for number, item in enumerate(told):
            wire.is_broken = number in lost
            if isinstance(item, Queued):
                owned.close()
                workers.reverse()
                owned.enter_context(workers[0].on_interrupt(TOPIC, lambda: None))
            before = len(wire.sent)
            _tell(workers, item, facts)
            if number not in late:
                await _settle()
                pass_time(PAUSE_SECONDS)
                await _settle()
            if number in doubled:
                for message in wire.sent[before:]:
                    wire.ends["server_c"].hear(message.payload)
                await _settle()
            for act in acts[number]:
                listener.act(act, here, listener.log)  # type: ignore[arg-type]
                await _settle()
            listener.hear()
        wire.is_broken = False
        for act in ("connect", "read"):
            listener.act(act, here, listener.log)  # type: ignore[arg-type]
        await here.step()
        await _settle()
        listener.hear()
        owned.close()
    return listener


def _tell(workers: list[SharedBus], item: Event | Delta | Queued, facts: Facts) -> None:
    if isinstance(item, Event):
        facts.append(TOPIC, item)
    if isinstance(item, Event) and item.name == _CANCELLING:
        workers[1].publish(TOPIC, item)  # a client of another server has cancelled it
    else:
        workers[0].publish(TOPIC, item)


@given(run=runs(), data=st.data())
def test_a_listener_elsewhere_hears_every_event_once_and_no_text_that_was_not_said(
    run: Run, data: st.DataObject
) -> None:
    listener = asyncio.run(_play(run, data))
    names = [told.name for told in listener.told if not told.name.endswith(".delta")]
    assert names == [item.name for item in told_of(run) if isinstance(item, Event)] + ["done"]
    for part, text in listener.heard().items():
        (life,) = [number for number, letters in enumerate(LETTERS) if text[0] in letters]
        whole = "".join(run.lives[life][part])
        assert whole.startswith(text)
        is_last = life == len(run.lives) - 1
        if (
            is_last
            and not run.is_cancelled
            and any(told.name == MESSAGE_DELTA for told in listener.told)
        ):
            assert text == whole
