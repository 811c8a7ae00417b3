"""What a listener hears of parts that a run tells again after it was taken up by another worker.

A run is told by several workers, one after the other: each but the last dies at some point, and the
next tells what was open from its beginning again, perhaps in other words. Listeners come, lose
their connection and come back at any moment. Each life of the run has letters of its own, so that
what was heard says whose words it was.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from perdure import lifecycle
from perdure.api.cursor import cursor
from perdure.api.stream_frames import Frames
from perdure.bus.bus import Subscription
from perdure.bus.memory import MemoryBus
from perdure.lifecycle import MESSAGE_DELTA
from perdure.wire.base import encode
from perdure.wire.events import (
    Delta,
    DeltaPart,
    Event,
    Queued,
    code_input_delta,
    code_logs_delta,
    first_text_delta,
    refusal_delta,
    text_delta,
)
from perdure.wire.messages import Message, Part, RefusalPart, TextContent, TextPart
from tests.api.sse import Told, events

LETTERS = ("abc", "def", "ghi")
OTHER = "xyz"
TOPIC = "run_1"
# of each part its pieces, in the order in which they are told
Life = dict[DeltaPart, list[str]]


class Run(NamedTuple):
    """What each worker tells, and where each but the last dies: after so many deltas."""

    lives: list[Life]
    deaths: list[int]
    is_message: bool
    is_cancelled: bool

    @property
    def final(self) -> dict[DeltaPart, str]:
        return {part: "".join(pieces) for part, pieces in self.lives[-1].items()}


def delta(part: DeltaPart, piece: str, *, is_first: bool, is_message: bool) -> Delta:
    if not is_message:
        if part.output:
            return code_logs_delta("step_1", part.item, part.output - 1, piece)
        return code_input_delta("step_1", part.item).with_text(piece)
    if is_refusal(part):
        return refusal_delta("msg_1", part.item).with_text(piece)
    kind = first_text_delta if is_first else text_delta
    return kind("msg_1", part.item).with_text(piece)


def is_refusal(part: DeltaPart) -> bool:
    return part.item == 1


def deltas(life: Life, *, is_message: bool) -> list[Delta]:
    return [
        delta(part, piece, is_first=not number, is_message=is_message)
        for part, pieces in life.items()
        for number, piece in enumerate(pieces)
    ]


def message_of(run: Run) -> Message:
    content: list[Part] = [
        RefusalPart(refusal=text) if is_refusal(part) else TextPart(text=TextContent(value=text))
        for part, text in run.final.items()
    ]
    return Message(
        id="msg_1", created_at=1, thread_id="thread_1", role="assistant", content=content
    )


def told_of(run: Run) -> list[Event | Delta | Queued]:
    """All that is told of the run: its events, its deltas, and when its worker dies."""
    seq = iter(range(1, 100))
    kind = "thread.message" if run.is_message else "thread.run.step"
    opened = Event(next(seq), "thread.run.in_progress", b"{}")
    told: list[Event | Delta | Queued] = [opened, Event(next(seq), f"{kind}.in_progress", b"{}")]
    for number, life in enumerate(run.lives):
        if number:
            told += [Queued(), Event(next(seq), "thread.run.in_progress", b"{}")]
        spoken = deltas(life, is_message=run.is_message)
        told += spoken[: run.deaths[number]] if number < len(run.deaths) else spoken
    end = encode(message_of(run)) if run.is_message else b'{"step_details":{"type":"x"}}'
    if run.is_cancelled:
        # In the middle of the deltas of the last worker, who hears of it a moment later.
        place = len(told) - len(deltas(run.lives[-1], is_message=run.is_message)) // 2
        told.insert(place, Event(next(seq), "thread.run.cancelling", b"{}"))
    told.append(Event(next(seq), f"{kind}.completed", end))
    told.append(Event(next(seq), "thread.run.completed", b"{}"))
    return told


@dataclass
class Listener:
    """One client over all of its connections."""

    told: list[Told] = field(default_factory=list)
    id: str = ""
    # Whether the end of the parts came over the last connection while it was open.
    is_there_at_the_end: bool = False
    _frames: Frames | None = None
    _subscription: Subscription | None = None

    def act(self, what: str, bus: MemoryBus, log: list[Event]) -> None:
        """Connects, reads the log a moment later, when it may know more, or leaves."""
        if self.has_ended:
            return
        if what == "connect" and self._subscription is None:
            self._subscription = bus.subscribe(TOPIC)
        if what == "read" and self._subscription is not None and self._frames is None:
            self._frames = Frames(cursor(self.id))
            missed = [event for event in log if event.seq >= self._frames.cursor.seq]
            self._hear(self._frames.replay(missed, upto=self._subscription.seq))
            ended = any(told.name.endswith("completed") for told in self.told)
            self.is_there_at_the_end = not ended
        if what == "leave" and self._subscription is not None:
            self.hear()
            self._subscription.close()
            self._frames = self._subscription = None

    def hear(self) -> None:
        """Takes what the bus has brought."""
        if self._frames and not self._frames.ended:
            self._hear(self._frames.follow(self._subscription._queue.take()))  # type: ignore[union-attr]

    @property
    def has_ended(self) -> bool:
        return any(told.name == "done" for told in self.told)

    def heard(self) -> dict[DeltaPart, str]:
        texts: defaultdict[DeltaPart, str] = defaultdict(str)
        for told in self.told:
            if told.name.endswith(".delta"):
                part, text = piece_of(told)
                texts[part] += text
        return texts

    def _hear(self, frames: bytes) -> None:
        self.told += events(frames.decode())
        ids = [line[4:] for line in frames.decode().splitlines() if line.startswith("id: ")]
        self.id = ids[-1] if ids else self.id


def piece_of(told: Told) -> tuple[DeltaPart, str]:
    """The part of a delta, and its text, out of what a client reads."""
    body = told.data["delta"]
    if told.name == MESSAGE_DELTA:
        (content,) = body["content"]
        text = content["refusal"] if content["type"] == "refusal" else content["text"]["value"]
        return DeltaPart(content["index"]), text
    (call,) = body["step_details"]["tool_calls"]
    code = call["code_interpreter"]
    if "input" in code:
        return DeltaPart(call["index"]), code["input"]
    (output,) = code["outputs"]
    return DeltaPart(call["index"], output["index"] + 1), output["logs"]


@st.composite
def runs(draw: st.DrawFn, kinds: st.SearchStrategy[bool] = st.booleans()) -> Run:  # noqa: B008
    is_message = draw(kinds)
    lives = []
    for letters in LETTERS[: draw(st.integers(1, 3))]:
        words = st.lists(st.text(letters, min_size=1, max_size=3), min_size=1, max_size=3)
        life: Life = {}
        for index in range(draw(st.integers(1, 3))):
            for output in range(1 if is_message else draw(st.integers(1, 3))):
                life[DeltaPart(index, output)] = draw(words)
        lives.append(life)
    deaths = [draw(st.integers(0, len(deltas(life, is_message=is_message)))) for life in lives[:-1]]
    return Run(lives, deaths, is_message, is_cancelled=draw(st.booleans()))


@given(run=runs(), data=st.data())
def test_who_heard_nothing_of_a_part_hears_all_of_it_and_nobody_hears_two_tellings(
    run: Run, data: st.DataObject
) -> None:
    check(run, listened(told_of(run), data))


@given(run=runs(st.just(value=True)), data=st.data())
def test_of_text_that_was_withdrawn_everybody_hears_some_telling_or_the_message(
    run: Run, data: st.DataObject
) -> None:
    """Before the message ends, its text turns out to be another one than was told."""
    *told, end, last = told_of(run)
    assert isinstance(end, Event)
    assert isinstance(last, Event)
    message = withdrawn_of(run)
    told += [
        Event(end.seq, lifecycle.WITHDRAWN, b'{"id":"msg_1"}'),
        Event(end.seq + 1, end.name, encode(message)),
        Event(last.seq + 1, last.name, last.data),
    ]
    listener = listened(told, data)
    shown = [item.name for item in told if isinstance(item, Event)]
    shown.remove(lifecycle.WITHDRAWN)
    names = [each.name for each in listener.told if not each.name.endswith(".delta")]
    assert names == [*shown, "done"]
    for part, text in listener.heard().items():
        tellings = ["".join(life.get(part, ())) for life in run.lives]
        assert text == OTHER or any(telling.startswith(text) for telling in tellings), part
    assert listener.heard().keys() >= run.final.keys()


def withdrawn_of(run: Run) -> Message:
    """The message that the run ends with, in words that nobody was told."""
    other = {part: [OTHER] for part in run.final}
    return message_of(run._replace(lives=[*run.lives[:-1], other]))


def listened(told: list[Event | Delta | Queued], data: st.DataObject) -> Listener:
    """A listener that comes and goes while all this is told, and hears its end."""
    # Connects, reads the log, leaves; and again.
    moments = iter(sorted(data.draw(st.lists(st.integers(1, len(told)), min_size=2, max_size=8))))
    acts: defaultdict[int, list[str]] = defaultdict(list)
    for number, moment in enumerate(moments):
        acts[moment].append(("connect", "read", "leave")[number % 3])
    listener, bus, log = Listener(), MemoryBus(), list[Event]()
    bus.subscribe(TOPIC)  # so that the topic lives on
    for number, item in enumerate(told, start=1):
        bus.publish(TOPIC, item)
        if isinstance(item, Event):
            log.append(item)
        for act in acts[number]:
            listener.act(act, bus, log)
        listener.hear()
    for act in ("connect", "read"):
        listener.act(act, bus, log)
    listener.hear()
    return listener


def check(run: Run, listener: Listener) -> None:
    names = [told.name for told in listener.told if not told.name.endswith(".delta")]
    assert names == [item.name for item in told_of(run) if isinstance(item, Event)] + ["done"]
    heard = listener.heard()
    for part, text in heard.items():
        (life,) = [number for number, letters in enumerate(LETTERS) if text[0] in letters]
        assert "".join(run.lives[life][part]).startswith(text)
    for part, whole in run.final.items():
        text = heard.get(part, "")
        is_of_earlier_life = bool(text) and text[0] not in LETTERS[len(run.lives) - 1]
        is_told_at_all = run.is_message or (listener.is_there_at_the_end and not run.is_cancelled)
        if not is_of_earlier_life and is_told_at_all and not (text and run.is_cancelled):
            assert text == whole, part
