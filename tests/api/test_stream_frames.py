"""A listener gets everything, in order, once: wherever its connection broke."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.api.cursor import EVERYTHING, Cursor, Parts, cursor
from perdure.api.stream_frames import Frames
from perdure.bus.memory import MemoryBus
from perdure.errors import BadRequest
from perdure.lifecycle import MESSAGE_DELTA
from perdure.wire.base import encode
from perdure.wire.events import Delta, Event, first_text_delta, text_delta
from perdure.wire.messages import Message, TextContent, TextPart
from tests.api.sse import events, names

FIRST, LATER = first_text_delta("msg_1", 0), text_delta("msg_1", 0)


def text_of(frames: str) -> str:
    return "".join(
        told.data["delta"]["content"][0]["text"]["value"]
        for told in events(frames)
        if told.name == MESSAGE_DELTA
    )


def run_events(pieces: list[str]) -> list[Event | Delta]:
    """What a text run tells."""
    deltas = [(LATER if number else FIRST).with_text(piece) for number, piece in enumerate(pieces)]
    part = TextPart(text=TextContent(value="".join(pieces)))
    message = Message(
        id="msg_1", created_at=1, thread_id="thread_1", role="assistant", content=[part]
    )
    return [
        Event(1, "thread.run.in_progress", b"{}"),
        Event(2, "thread.message.in_progress", b"{}"),
        *deltas,
        Event(3, "thread.message.completed", encode(message)),
        Event(4, "thread.run.completed", b"{}"),
    ]


def log_after(told: list[Event | Delta], at: Cursor) -> list[Event]:
    """What the log answers: from the event at the cursor on."""
    return [item for item in told if isinstance(item, Event) and item.seq >= at.seq]


pieces = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=8)


@given(pieces=pieces, broke=st.data())
def test_a_listener_that_comes_back_while_the_run_goes_on(
    pieces: list[str], broke: st.DataObject
) -> None:
    told = run_events(pieces)
    heard = broke.draw(st.integers(0, len(told) - 2), label="heard")
    # A run that can be found has been told of.
    back = broke.draw(st.integers(max(heard, 1), len(told) - 2), label="back")
    bus = MemoryBus()
    before = Frames()
    first = before.follow(told[:heard])
    bus.subscribe("run_1")
    for item in told[:back]:
        bus.publish("run_1", item)
    subscription = bus.subscribe("run_1")
    for item in told[back:]:
        bus.publish("run_1", item)
    after = Frames(before.cursor)
    committed = log_after(told[:back], before.cursor)
    second = after.replay(committed, upto=subscription.seq)
    if not after.ended:
        second += after.follow(subscription._queue.all())
    whole = (first + second).decode()
    assert text_of(whole) == "".join(pieces)
    assert [name for name in names(whole) if name != MESSAGE_DELTA] == [
        "thread.run.in_progress", "thread.message.in_progress", "thread.message.completed",
        "thread.run.completed", "done",
    ]  # fmt: skip


@given(pieces=pieces, broke=st.data())
def test_a_listener_that_comes_back_when_all_is_over(
    pieces: list[str], broke: st.DataObject
) -> None:
    told = run_events(pieces)
    heard = broke.draw(st.integers(0, len(told)))
    before = Frames()
    first = before.follow(told[:heard])
    after = Frames(before.cursor)
    whole = (first + after.replay(log_after(told, before.cursor), upto=None)).decode()
    assert text_of(whole) == "".join(pieces)
    assert after.ended


def test_a_part_that_a_resumed_run_tells_again_is_not_told_twice() -> None:
    told = run_events(["one ", "two "])
    frames = Frames()
    first = frames.follow(told[:3])  # "one " was told, then the worker died
    again = [Event(5, "thread.run.in_progress", b"{}"), *told[2:4]]
    ended = [told[4]._replace(seq=6), told[5]._replace(seq=7)]  # type: ignore[call-arg]
    whole = (first + frames.follow([*again, *ended])).decode()
    assert text_of(whole) == "one "
    assert names(whole)[-3:] == ["thread.message.completed", "thread.run.completed", "done"]


@pytest.mark.parametrize("connections", [1, 2, 3])
def test_a_part_is_not_told_twice_however_often_the_run_is_resumed(connections: int) -> None:
    """Nor if the listener's connection breaks each time that the worker dies."""
    told = run_events(["one ", "two "])
    frames = Frames()
    whole = frames.follow(told[:3])  # "one " was told, then the worker died
    for seq in range(5, 5 + connections):
        frames = Frames(cursor(frames.cursor.id.decode()))
        claimed = Event(seq, "thread.run.in_progress", b"{}")
        whole += frames.follow([claimed, *told[2:4]])
    frames = Frames(cursor(frames.cursor.id.decode()))
    log = [Event(seq, "thread.run.in_progress", b"{}") for seq in range(4 + connections, 9)]
    whole += frames.replay(log, upto=8)
    whole += frames.follow([*told[2:4], told[4]._replace(seq=9), told[5]._replace(seq=10)])  # type: ignore[call-arg]
    assert text_of(whole.decode()) == "one "


def test_who_heard_nothing_of_a_part_hears_all_of_it_from_the_resumed_run() -> None:
    told = run_events(["one ", "two "])
    frames = Frames()
    first = frames.follow(told[:2])
    again = [Event(5, "thread.run.in_progress", b"{}"), *told[2:4]]
    whole = (first + frames.follow(again)).decode()
    assert text_of(whole) == "one two "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Cursor()),
        ("12", Cursor(12)),
        ("12.7", Cursor(12, 7, Parts((1,)))),
        ("12.7.1-3", Cursor(12, 7, Parts((1, 3)))),
        ("12.7.1-3.1-2", Cursor(12, 7, Parts((1, 3)), Parts((1, 2)))),
        ("12.0.1.1", Cursor(12, 0, Parts((1,)), Parts((1,)))),
        ("12.0", Cursor(12, 0, EVERYTHING, EVERYTHING)),
    ],
)
def test_a_cursor_is_what_an_event_id_says(text: str, expected: Cursor) -> None:
    assert cursor(text) == expected
    assert not text or expected.id == text.encode()


@pytest.mark.parametrize(
    "text", ["x", "1.", "1.2.", "1.2.3-", "1.2.1.1.1", "-1", "1" * 19, "1.1." + "1-" * 3000 + "1"]
)
def test_what_no_stream_has_given_out_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="Invalid 'after'"):
        cursor(text)


def test_the_id_of_earlier_versions_that_mutes_all_still_does() -> None:
    told = run_events(["one ", "two "])
    frames = Frames(cursor("1.0"))
    frames.replay([Event(1, "thread.run.in_progress", b"{}")], upto=1)
    whole = frames.follow(told[2:])
    assert names(whole.decode()) == ["thread.message.completed", "thread.run.completed", "done"]
