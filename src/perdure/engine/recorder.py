"""The only writer of a living run.

State goes through commands, one transaction each, before it is told; text goes straight to the
bus and is written once, when its part ends.
"""

from collections.abc import Callable
from typing import Concatenate, Literal, ParamSpec, TypeVar

from perdure import lifecycle
from perdure.bus.bus import Bus
from perdure.clock import Clock
from perdure.commands import leases, recording
from perdure.commands.leases import Hold
from perdure.commands.runs import Lease, Partial
from perdure.engine.outcomes import Ask, Done, Failed, Outcome, Truncated
from perdure.store.database import Database, Transaction
from perdure.wire.events import (
    ARGUMENTS_TAIL,
    FIRST_TEXT_TAIL,
    REFUSAL_TAIL,
    TEXT_TAIL,
    Delta,
    arguments_head,
    function_call_delta,
    refusal_head,
    text_head,
)
from perdure.wire.messages import Part, RefusalPart, TextContent, TextPart
from perdure.wire.run_steps import FunctionCall, FunctionToolCall
from perdure.wire.runs import Run
from perdure.wire.usage import Usage

P = ParamSpec("P")
T = TypeVar("T")
Kind = Literal["text", "refusal"]


class _OpenCall:
    """A function call while its arguments arrive."""

    def __init__(self, call_id: str, name: str, head: bytes) -> None:
        self.id = call_id
        self.name = name
        self.head = head
        self.arguments: list[str] = []


class Recorder:
    """Writes one run, under one lease."""

    def __init__(
        self, run: Run, lease: Lease, *, database: Database, bus: Bus, clock: Clock
    ) -> None:
        self.run = run
        self.lease = lease
        self._database = database
        self._bus = bus
        self._clock = clock
        self._message_id: str | None = None
        self._step_id: str | None = None
        self._parts: list[tuple[Kind, list[str]]] = []
        self._head = self._tail = b""
        self._calls: list[_OpenCall] = []
        self._closed_text = ""
        self._holding_back = False

    def hold_back(self) -> None:
        """For a round that is taken again: its text was said before the worker died.

        Text waits until the round ends. If calls follow, it is the text that stands already and
        is dropped; if none do, it is an answer of its own, and is said.
        """
        self._holding_back = True

    @property
    def call_count(self) -> int:
        """How many function calls the round has so far."""
        return len(self._calls)

    @property
    def has_begun(self) -> bool:
        """Whether the model said anything in this round."""
        return bool(self._parts or self._calls)

    @property
    def written(self) -> str:
        """Everything the model wrote in this round, for counting its tokens."""
        calls = "".join(call.name + "".join(call.arguments) for call in self._calls)
        return self._closed_text + self._open_text() + calls

    @property
    def writing(self) -> Kind | None:
        """The kind of part that text goes to now."""
        return self._parts[-1][0] if self._parts else None

    @property
    def calls(self) -> list[FunctionToolCall]:
        """The function calls so far, without outputs."""
        return [
            FunctionToolCall(
                id=call.id,
                function=FunctionCall(name=call.name, arguments="".join(call.arguments)),
            )
            for call in self._calls
        ]

    @property
    def content(self) -> list[Part]:
        """The parts of the open message so far."""
        return [
            TextPart(text=TextContent(value="".join(pieces)))
            if kind == "text"
            else RefusalPart(refusal="".join(pieces))
            for kind, pieces in self._parts
        ]

    async def open_part(self, kind: Kind) -> None:
        """Begins a part of the message; the first one opens the message and its step."""
        if self._holding_back:
            self._parts.append((kind, []))
            return
        message_id = self._message_id
        if message_id is None:
            message_id = self._message_id = await self._write(recording.open_message)
        index = len(self._parts)
        self._parts.append((kind, []))
        if kind == "text":
            self._head, self._tail = text_head(message_id, index), FIRST_TEXT_TAIL
        else:
            self._head, self._tail = refusal_head(message_id, index), REFUSAL_TAIL

    def text(self, piece: str) -> None:
        """Tells a piece of the open part. The hot path: no write, no object model."""
        kind, pieces = self._parts[-1]
        pieces.append(piece)
        if self._holding_back:
            return
        self._bus.publish(
            self.run.id, Delta(lifecycle.MESSAGE_DELTA, self._head, piece, self._tail)
        )
        if kind == "text":
            self._tail = TEXT_TAIL

    async def open_call(self, call_id: str, name: str) -> None:
        """Begins a function call; the first one completes the message and opens the step."""
        if self._step_id is None:
            if self._message_id is not None:
                await self._write(recording.close_message, self.content)
            self._closed_text = self._open_text()
            self._message_id, self._parts, self._holding_back = None, [], False
            self._step_id = await self._write(recording.open_calls)
        step_id, index = self._step_id, len(self._calls)
        self._calls.append(_OpenCall(call_id, name, arguments_head(step_id, index)))
        self._bus.publish(self.run.id, function_call_delta(step_id, index, call_id, name))

    def arguments(self, index: int, piece: str) -> None:
        """Tells a fragment of a call's arguments."""
        call = self._calls[index]
        call.arguments.append(piece)
        self._bus.publish(
            self.run.id, Delta(lifecycle.STEP_DELTA, call.head, piece, ARGUMENTS_TAIL)
        )

    async def end(self, outcome: Outcome) -> None:
        """Writes how the turn ended."""
        if self._holding_back:
            await self._say_held_back()
        match outcome:
            case Done(usage):
                if not self._parts:
                    await self.open_part("text")
                await self._write(recording.complete, self.content, usage=usage)
            case Ask(usage):
                await self._write(recording.ask, self.calls, usage=usage)
            case Truncated(reason, usage):
                await self._write(recording.truncate, reason, partial=self._partial(usage))
            case Failed(error, usage, message_reason):
                partial = self._partial(usage)._replace(message_reason=message_reason)
                await self._write(recording.fail, error, partial=partial)

    async def release(self, usage: Usage | None) -> None:
        """Leaves the run: ends it if it is cancelled or past its time, else requeues it."""
        await self._write(leases.release, partial=self._partial(usage))

    async def _say_held_back(self) -> None:
        held, self._parts, self._holding_back = self._parts, [], False
        for kind, pieces in held:
            await self.open_part(kind)
            self.text("".join(pieces))

    def _partial(self, usage: Usage | None) -> Partial:
        return Partial(self.content, self.calls, usage)

    def _open_text(self) -> str:
        return "".join(piece for _, pieces in self._parts for piece in pieces)

    async def _write(
        self,
        command: Callable[Concatenate[Transaction, Hold, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        hold = Hold(self.run.id, self.lease, int(self._clock.now()))
        return await self._database.write(command, hold, *args, **kwargs)
