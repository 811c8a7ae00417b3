"""What the bus of several servers does when messages are lost, late, doubled or invented."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import msgspec
import psycopg
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from perdure.bus import frames
from perdure.bus.frames import Joiner, NewEvent, Packer, Piece
from perdure.bus.outbox import PAUSE_SECONDS, Outbox
from perdure.bus.shared import SharedBus
from perdure.wire.events import Delta, Interrupted, Queued
from tests.bus.servers import (
    HEAD,
    Facts,
    Wire,
    WireEnd,
    delta,
    event,
    heard,
    server,
    two_servers,
    wired,
)
from tests.patience import PATIENCE_SECONDS, pass_time, until

TOPIC = "run_a"
END = "thread.run.completed"


class Pair:
    """Two servers on a wire: one works on the run, the other has a listener."""

    def __init__(self, teller: SharedBus, listener: SharedBus, wire: Wire, facts: Facts) -> None:
        self.teller, self.listener, self.wire, self.facts = teller, listener, wire, facts

    def tell(self, *told: object) -> None:
        for item in told:
            if not isinstance(item, Delta):
                self.facts.append(TOPIC, item)  # type: ignore[arg-type]
            self.teller.publish(TOPIC, item)  # type: ignore[arg-type]

    def forge(self, *said: frames.Frame, sender: str = "server_forged") -> None:
        """A message that no server has sent."""
        for payload in Packer(sender, most_bytes=8000).pack(said):
            self.wire.ends["server_b"].hear(payload)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    wire, facts = Wire(), Facts()
    async with AsyncExitStack() as stack:
        teller = await stack.enter_async_context(wired(wire, "server_a", facts))
        listener = await stack.enter_async_context(wired(wire, "server_b", facts))
        await until(lambda: teller.peers and listener.peers)
        stack.enter_context(teller.on_interrupt(TOPIC, lambda: None))
        yield Pair(teller, listener, wire, facts)


async def settle() -> None:
    """Lets everything happen that can happen now."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_deltas_that_were_lost_are_asked_for_and_told_once(pair: Pair) -> None:
    listening = pair.listener.subscribe(TOPIC)
    await until(lambda: pair.teller.has_subscribers(TOPIC))
    pair.tell(event(1), delta("one "))
    await settle()
    pair.wire.is_broken = True
    pair.tell(delta("two "))
    pass_time(PAUSE_SECONDS)
    await settle()
    pair.wire.is_broken = False
    pair.tell(delta("three "))
    pass_time(PAUSE_SECONDS)
    await settle()
    pair.tell(delta("four"), event(2))
    told = await heard(listening.next, lambda got: got[-1:] == [event(2)])
    assert told == [event(1), delta("one two three four"), event(2)]


async def test_an_event_whose_word_was_lost_is_found_in_the_log(pair: Pair) -> None:
    listening = pair.listener.subscribe(TOPIC)
    await until(lambda: pair.teller.has_subscribers(TOPIC))
    pair.wire.is_broken = True
    pair.tell(event(1), event(2))
    await settle()
    await pair.listener.step()
    # The listener reads in the log what was before.
    assert await heard(listening.next, lambda got: got[-1:] == [event(2)]) == [event(2)]


async def test_a_message_that_breaks_the_sender_is_not_the_last(pair: Pair) -> None:
    listening = pair.listener.subscribe(TOPIC)
    await until(lambda: pair.teller.has_subscribers(TOPIC))
    with capture_logs() as logs:
        pair.wire.fault = ValueError("a message that the link cannot take")
        pair.tell(event(1))
        await until(lambda: logs)
    assert [line["loop"] for line in logs] == ["bus sender"]
    pair.tell(event(2))
    # The word of the first was lost; the log is read from there, or from the second on.
    told = await heard(listening.next, lambda got: got[-1:] == [event(2)])
    assert told[-1] == event(2)


async def test_what_was_said_twice_is_told_once(pair: Pair) -> None:
    listening = pair.listener.subscribe(TOPIC)
    await until(lambda: pair.teller.has_subscribers(TOPIC))
    before = len(pair.wire.sent)
    pair.tell(event(1), delta("once"))
    await settle()
    for message in pair.wire.sent[before:]:
        pair.wire.ends["server_b"].hear(message.payload)
    pair.tell(event(2))
    told = await heard(listening.next, lambda got: got[-1:] == [event(2)])
    assert told == [event(1), delta("once"), event(2)]


async def test_a_cancel_elsewhere_leaves_no_gap_in_the_text(pair: Pair) -> None:
    """The worker hears of it later than the listener, and tells a little more until then."""
    cancelling = event(2, "thread.run.cancelling")
    listening = pair.listener.subscribe(TOPIC)
    await until(lambda: pair.teller.has_subscribers(TOPIC))
    pair.tell(event(1), delta("one "))
    await settle()
    pair.facts.append(TOPIC, cancelling)
    pair.listener.publish(TOPIC, cancelling)
    pair.tell(delta("two "))
    pass_time(PAUSE_SECONDS)
    await settle()
    pair.teller.publish(TOPIC, cancelling)
    pair.tell(delta("three "), event(3))
    told = await heard(listening.next, lambda got: got[-1:] == [event(3)])
    assert told == [event(1), delta("one "), cancelling, event(3)]


async def test_a_new_owner_tells_who_listened_before_it_came(pair: Pair) -> None:
    async with wired(pair.wire, "server_c", pair.facts) as late:
        listening = pair.listener.subscribe(TOPIC)
        await until(lambda: late.has_subscribers(TOPIC))
        pair.tell(event(1), delta("of the first"))
        with late.on_interrupt(TOPIC, lambda: None):
            pair.facts.append(TOPIC, event(2, "thread.run.in_progress"))
            late.publish(TOPIC, event(2, "thread.run.in_progress"))
            late.publish(TOPIC, delta("of the second"))
            # The first one wakes up.
            pair.teller.publish(TOPIC, delta(" and more"))
            pass_time(PAUSE_SECONDS)
            await settle()
            pair.facts.append(TOPIC, event(3))
            late.publish(TOPIC, event(3))
            told = await heard(listening.next, lambda got: got[-1:] == [event(3)])
        assert told[-3:] == [
            event(2, "thread.run.in_progress"),
            delta("of the second"),
            event(3),
        ]


async def test_a_server_that_starts_later_is_told_who_listens(pair: Pair) -> None:
    pair.listener.subscribe(TOPIC)
    async with wired(pair.wire, "server_c", pair.facts) as late:
        await until(lambda: late.has_subscribers(TOPIC))


async def test_a_server_that_ends_listens_to_nothing(pair: Pair) -> None:
    async with wired(pair.wire, "server_c", pair.facts) as late:
        late.subscribe(TOPIC)
        await until(lambda: pair.teller.has_subscribers(TOPIC))
    await until(lambda: not pair.teller.has_subscribers(TOPIC))
    assert "server_c" not in pair.teller.peers


async def test_a_server_that_is_silent_is_forgotten(pair: Pair) -> None:
    pair.listener.subscribe(TOPIC)
    await until(lambda: pair.teller.has_subscribers(TOPIC))
    pair.wire.is_broken = True
    pass_time(3600)
    await pair.teller.step()
    assert not pair.teller.has_subscribers(TOPIC)


async def test_a_server_that_does_not_hear_itself_connects_again(pair: Pair) -> None:
    pair.wire.is_broken = True
    pass_time(3600)
    await pair.teller.step()
    assert pair.wire.ends["server_a"].reconnections == 1


async def test_without_others_nothing_is_said_but_that_the_server_lives() -> None:
    wire, facts = Wire(), Facts()
    async with wired(wire, "server_a", facts) as alone:
        await settle()
        before = len(wire.sent)
        alone.subscribe(TOPIC)
        for told in (Queued(), event(1), delta("x"), Interrupted()):
            alone.publish(TOPIC, told)
        await settle()
        assert len(wire.sent) == before


async def test_nothing_is_kept_of_topics_that_nobody_here_has_to_do_with(pair: Pair) -> None:
    pair.facts.append("run_b", event(1, "thread.run.cancelling"))
    pair.listener.publish("run_b", event(1, "thread.run.cancelling"))
    listening = pair.listener.subscribe(TOPIC)
    await until(lambda: pair.teller.has_subscribers(TOPIC))
    pair.tell(event(1), delta("x"))
    await heard(listening.next, lambda got: got[:1] == [event(1)])
    listening.close()
    assert pair.listener.topics == frozenset()
    await until(lambda: not pair.teller.has_subscribers(TOPIC))


async def test_an_invented_event_ends_nothing(pair: Pair) -> None:
    listening = pair.listener.subscribe(TOPIC)
    await until(lambda: pair.teller.has_subscribers(TOPIC))
    pair.tell(event(1))
    await heard(listening.next, lambda got: got[-1:] == [event(1)])
    pair.forge(NewEvent(TOPIC, 99), NewEvent("run_of_nobody", 2))
    await settle()
    pair.tell(event(2))
    assert await heard(listening.next, lambda got: got[-1:] == [event(2)]) == [event(2)]


@pytest.mark.parametrize(
    "head",
    [
        '{"x":1}\n\nevent: thread.run.completed\ndata: {"text":',
        '{"object":"thread.run.completed","text":',
        '{"object":"thread.message.delta"}\r\ndata: ',
        "[",
        "",
    ],
)
async def test_what_is_no_delta_is_not_told(pair: Pair, head: str) -> None:
    listening = pair.listener.subscribe(TOPIC)
    await until(lambda: pair.teller.has_subscribers(TOPIC))
    pair.tell(event(1))
    await heard(listening.next, lambda got: got[-1:] == [event(1)])
    pair.forge(Piece(TOPIC, 1, 0, "thread.message.delta", head, "false", "}", 0, 0))
    await settle()
    pair.tell(event(2))
    assert await heard(listening.next, lambda got: got[-1:] == [event(2)]) == [event(2)]


async def test_an_invented_interrupt_stops_nothing(pair: Pair) -> None:
    calls: list[str] = []
    with pair.listener.on_interrupt("run_b", lambda: calls.append("called")):
        pair.forge(frames.Interrupt("run_b"))
        await settle()
        assert calls == []
        pair.facts.interrupted.add("run_b")
        pair.forge(frames.Interrupt("run_b"))
        await until(lambda: calls)


async def test_invented_servers_are_no_more_than_so_many(pair: Pair) -> None:
    for number in range(1000):
        pair.forge(frames.Subscribed([f"run_{number}"]), sender=f"server_{number}")
    assert len(pair.listener.peers) <= 200


@given(payload=st.text() | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from("qfiedwuhbp"),
    lambda inner: st.lists(inner, max_size=5),
).map(lambda value: msgspec.json.encode([1, "server_x", 1, value]).decode()))  # fmt: skip
def test_whatever_comes_in_is_frames_or_nothing(payload: str) -> None:
    found = frames.decode(payload)
    assert found is None or all(isinstance(frame, frames.Frame) for frame in found[1])


_TEXTS = st.text(max_size=400)


@given(
    texts=st.lists(_TEXTS, min_size=1, max_size=8),
    most_bytes=st.integers(500, 8000),
)
def test_what_was_packed_comes_out_whole_and_no_message_is_too_long(
    texts: list[str], most_bytes: int
) -> None:
    said = [frames.piece(TOPIC, 1, 0, delta(text * 10)) for text in texts]
    joiner, got = Joiner(), []
    for payload in Packer("server_a", most_bytes=most_bytes).pack(said):
        assert len(payload.encode()) <= most_bytes
        message = frames.decode(payload)
        assert message is not None
        got += [whole for part in message[1] if (whole := joiner.take(part)) is not None]
    assert got == said


@given(
    pieces=st.lists(st.sampled_from(["a", "bb", "ccc", "event", "take"]), max_size=40),
)
def test_an_outbox_keeps_text_and_order(pieces: list[str]) -> None:
    outbox, got, text, told, seq, offset = Outbox(), "", "", "", 1, 0
    for piece in pieces:
        if piece == "take":
            got += _shown(outbox.take(0.0))
        elif piece == "event":
            seq, offset = seq + 1, 0
            outbox.event(TOPIC, seq)
            told += "|"
        else:
            outbox.delta(TOPIC, seq, offset, delta(piece))
            offset += len(piece)
            told += piece
    got += _shown(outbox.take(0.0))
    assert got == told, text


def _shown(said: list[frames.Frame]) -> str:
    return "".join(each.text if isinstance(each, Piece) else "|" for each in said)


async def test_deltas_go_at_most_twenty_times_a_second_and_events_at_once() -> None:
    outbox = Outbox()
    outbox.delta(TOPIC, 1, 0, delta("a"))
    assert outbox.due == 0.0
    outbox.take(10.0)
    outbox.delta(TOPIC, 1, 1, delta("b"))
    outbox.delta(TOPIC, 1, 2, delta("c"))
    assert outbox.due == pytest.approx(10.0 + PAUSE_SECONDS)
    outbox.event(TOPIC, 2)
    assert outbox.due == 0.0
    assert _shown(outbox.take(10.01)) == "bc|"


def _end_sessions(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_servers_hear_of_each_other_again_when_their_connections_were_cut(
    postgres_url: str,
) -> None:
    facts = Facts()
    async with two_servers(postgres_url, facts) as (teller, listener):
        with teller.on_interrupt(TOPIC, lambda: None):
            listening = listener.subscribe(TOPIC)
            await until(lambda: teller.has_subscribers(TOPIC))
            facts.append(TOPIC, event(1))
            teller.publish(TOPIC, event(1))
            teller.publish(TOPIC, delta("before "))
            await heard(listening.next, lambda got: delta("before ") in got)
            await asyncio.to_thread(_end_sessions, postgres_url)
            teller.publish(TOPIC, delta("meanwhile "))
            facts.append(TOPIC, event(2))
            teller.publish(TOPIC, event(2))
            told = await asyncio.wait_for(
                heard(listening.next, lambda got: got[-1:] == [event(2)]), PATIENCE_SECONDS
            )
            # What was on its way when the connection broke is lost, or comes late.
            assert told in ([delta("meanwhile "), event(2)], [event(2)])


async def test_a_message_of_the_longest_size_gets_through(postgres_url: str) -> None:
    facts = Facts()
    async with server(postgres_url, facts) as one, server(postgres_url, facts) as other:
        await until(lambda: one.peers and other.peers)
        listening = other.subscribe(TOPIC)
        await until(lambda: one.has_subscribers(TOPIC))
        with one.on_interrupt(TOPIC, lambda: None):
            facts.append(TOPIC, event(1))
            one.publish(TOPIC, event(1))
            for size in range(7500, 8100, 7):
                one.publish(TOPIC, delta("x" * size, head=HEAD.replace(b"0", b"%d" % size)))
            facts.append(TOPIC, event(2))
            one.publish(TOPIC, event(2))
            told = await heard(listening.next, lambda got: got[-1:] == [event(2)])
    sizes = [len(item.text) for item in told if isinstance(item, Delta)]
    assert sizes == list(range(7500, 8100, 7))


def test_two_deltas_that_are_due_within_a_millisecond_are_waited_for() -> None:
    """uvloop has no time for a call that comes so soon: the second delta asked it for one."""

    async def publish() -> None:
        bus = SharedBus(WireEnd(Wire(), "server_1"), server="server_1")
        outbox = Outbox()
        outbox.delta(TOPIC, 1, 0, delta("a"))
        outbox.take(asyncio.get_running_loop().time() - PAUSE_SECONDS + 0.0004)
        for text in ("b", "c"):
            outbox.delta(TOPIC, 1, 1, delta(text))
            bus._schedule(outbox)

    for _ in range(20):
        uvloop.run(publish())
