"""The only writer of a living run.

State goes through commands, one transaction each, before it is told; text goes straight to the
bus and is written once, when its part ends.
"""

from collections.abc import Callable, Iterable
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from perdure import lifecycle
from perdure.bus.bus import Bus
from perdure.clock import Clock
from perdure.commands import leases, recording
from perdure.commands.leases import Hold
from perdure.commands.runs import Lease, Partial
from perdure.engine.outcomes import Ask, Done, Failed, Outcome, Truncated
from perdure.engine.parts import Kind, OpenPart
from perdure.store.database import Database, Transaction
from perdure.tools.citations import Citer
from perdure.wire.base import to_json_object
from perdure.wire.events import (
    ARGUMENTS_TAIL,
    Delta,
    arguments_head,
    file_search_delta,
    function_call_delta,
)
from perdure.wire.messages import Part
from perdure.wire.run_steps import (
    FileSearchToolCall,
    FunctionCall,
    FunctionToolCall,
    SearchRanking,
    ToolCall,
)
from perdure.wire.runs import Run
from perdure.wire.usage import Usage

P = ParamSpec("P")
T = TypeVar("T")


class Round(NamedTuple):
    """What a round of the model needs to know beforehand.

    `citer` makes the filter of a text part, where there is something to cite; `search_name` is
    what the model calls the file_search tool, if it is offered.
    """

    citer: Callable[[], Citer] | None = None
    search_name: str | None = None


class _OpenCall:
    """A call while its arguments arrive; `answered` is what the server itself answered."""

    def __init__(self, call_id: str, name: str, head: bytes, *, is_search: bool) -> None:
        self.id = call_id
        self.name = name
        self.head = head
        self.is_search = is_search
        self.arguments: list[str] = []
        self.answered: FileSearchToolCall | None = None

    @property
    def call(self) -> ToolCall:
        if self.is_search:
            return self.answered or FileSearchToolCall(id=self.id)
        function = FunctionCall(name=self.name, arguments="".join(self.arguments))
        return FunctionToolCall(id=self.id, function=function)


class Search(NamedTuple):
    """A call of file_search that the model has made: the server answers it."""

    place: int
    id: str
    arguments: str


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
        self.begin(Round())

    def begin(self, round_: Round, *, hold_back: bool = False) -> None:
        """Begins a round of the model.

        `hold_back` is for a round that is taken again, whose text was said before the worker
        died: text waits until the round ends. If calls follow, it is the text that stands already
        and is dropped; if none do, it is an answer of its own, and is said.
        """
        self._round = round_
        self._message_id: str | None = None
        self._step_id: str | None = None
        self._parts: list[OpenPart] = []
        self._calls: list[_OpenCall] = []
        self._closed_text = ""
        self._holding_back = hold_back

    @property
    def call_count(self) -> int:
        """How many calls the round has so far."""
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
        return self._parts[-1].kind if self._parts else None

    @property
    def calls(self) -> list[ToolCall]:
        """The calls so far, without the outputs of functions."""
        return [call.call for call in self._calls]

    @property
    def searches(self) -> list[Search]:
        """The calls that the server has to answer."""
        return [
            Search(place, call.id, "".join(call.arguments))
            for place, call in enumerate(self._calls)
            if call.is_search
        ]

    @property
    def asks_client(self) -> bool:
        """Whether one of the calls is a function of the client."""
        return any(not call.is_search for call in self._calls)

    @property
    def content(self) -> list[Part]:
        """The parts of the open message so far."""
        return [part.content for part in self._parts]

    async def open_part(self, kind: Kind) -> None:
        """Begins a part of the message; the first one opens the message and its step."""
        self.close_part()
        citer = self._round.citer() if self._round.citer and kind == "text" else None
        if self._holding_back:
            self._parts.append(OpenPart(kind, "", 0, None))
            return
        if self._message_id is None:
            self._message_id = await self._write(recording.open_message)
        self._parts.append(OpenPart(kind, self._message_id, len(self._parts), citer))

    def text(self, piece: str) -> None:
        """Tells a piece of the open part. The hot path: no write, no object model."""
        part = self._parts[-1]
        if self._holding_back:
            part.pieces.append(piece)
        elif part.citer is None:
            self._bus.publish(self.run.id, part.delta(piece))
        else:
            self._tell(part.cited(part.citer.feed(piece)))

    def close_part(self) -> None:
        """Tells what the open part, if there is one, still holds."""
        if self._parts and self._parts[-1].citer is not None:
            self._tell(self._parts[-1].closed())

    async def open_call(self, call_id: str, name: str) -> None:
        """Begins a call; the first one completes the message and opens the step."""
        if self._step_id is None:
            self.close_part()
            if self._message_id is not None:
                await self._write(recording.close_message, self.content)
            self._closed_text = self._open_text()
            self._message_id, self._parts, self._holding_back = None, [], False
            self._step_id = await self._write(recording.open_calls)
        step_id, index = self._step_id, len(self._calls)
        is_search = name == self._round.search_name
        call = _OpenCall(call_id, name, arguments_head(step_id, index), is_search=is_search)
        self._calls.append(call)
        if is_search:
            ranking = to_json_object(SearchRanking())
            self._bus.publish(self.run.id, file_search_delta(step_id, index, call_id, ranking))
        else:
            self._bus.publish(self.run.id, function_call_delta(step_id, index, call_id, name))

    def arguments(self, index: int, piece: str) -> None:
        """Tells a fragment of a call's arguments; those of a search are not told."""
        call = self._calls[index]
        call.arguments.append(piece)
        if not call.is_search:
            self._bus.publish(
                self.run.id, Delta(lifecycle.STEP_DELTA, call.head, piece, ARGUMENTS_TAIL)
            )

    def answer(self, search: Search, found: FileSearchToolCall) -> None:
        """Notes what a search has found; it is written with the step."""
        self._calls[search.place].answered = found

    async def close_calls(self, usage: Usage) -> bool:
        """Ends a round whose calls the server has answered; False where the run has ended."""
        return await self._write(recording.close_calls, self.calls, usage=usage)

    async def end(self, outcome: Outcome) -> None:
        """Writes how the turn ended."""
        if self._holding_back:
            await self._say_held_back()
        self.close_part()
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
        self.close_part()
        await self._write(leases.release, partial=self._partial(usage))

    async def _say_held_back(self) -> None:
        held, self._parts, self._holding_back = self._parts, [], False
        for part in held:
            await self.open_part(part.kind)
            self.text("".join(part.pieces))

    def _tell(self, deltas: Iterable[Delta]) -> None:
        for delta in deltas:
            self._bus.publish(self.run.id, delta)

    def _partial(self, usage: Usage | None) -> Partial:
        return Partial(self.content, self.calls, usage)

    def _open_text(self) -> str:
        return "".join(piece for part in self._parts for piece in part.pieces)

    async def _write(
        self,
        command: Callable[Concatenate[Transaction, Hold, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        hold = Hold(self.run.id, self.lease, int(self._clock.now()))
        return await self._database.write(command, hold, *args, **kwargs)
