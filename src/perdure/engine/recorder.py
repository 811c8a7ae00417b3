"""The only writer of a living run.

State goes through commands, one transaction each, before it is told; text goes straight to the
bus and is written once, when its part ends.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from msgspec.structs import replace

from perdure.bus.bus import Bus
from perdure.clock import Clock
from perdure.commands import leases, run_writes, usage_counts
from perdure.commands.blobs import WrittenBlob
from perdure.commands.leases import HeldLease
from perdure.commands.runs import Lease, PartialMessage
from perdure.commands.usage_counts import (
    UsageAccount,
    UsageCounts,
    UsageKey,
    UsageKind,
    UsageTally,
)
from perdure.engine.function_calls import OpenFunctionCall, OpenUnknownCall
from perdure.engine.message_parts import Kind, NewAnnotator, OpenPart, ShownImage
from perdure.engine.outcomes import Ask, Done, Failed, Outcome, Truncated
from perdure.engine.thinking_rules import PLAIN
from perdure.engine.tracer import RunTracer
from perdure.providers.extras import bounded
from perdure.providers.thinking import Thinking
from perdure.storage.database import Database, Transaction
from perdure.tools.open_call import OpenCall
from perdure.tools.tool import RunTool
from perdure.wire.chat import Extras
from perdure.wire.events import Delta
from perdure.wire.messages import Part
from perdure.wire.run_steps import RunStep, ToolCall
from perdure.wire.runs import Run
from perdure.wire.usage import Usage

P = ParamSpec("P")
T = TypeVar("T")


class RoundSetup(NamedTuple):
    """The setup of a round.

    `annotator` makes what a text part goes through, where there may be something to annotate;
    `offered` are the tools that the server runs, by the names under which the model may call them;
    `images` are the files that a message begins with; `asks_client` is true if calls of all other
    names are the client's to answer.
    """

    annotator: NewAnnotator | None = None
    offered: Mapping[str, RunTool] = MappingProxyType({})
    images: tuple[str, ...] = ()
    asks_client: bool = False


class Recorder:
    """Writes one run, under one lease. What the run uses is counted for `account`, in the next
    transaction that is written.
    """

    def __init__(
        self,
        run: Run,
        lease: Lease,
        *,
        account: UsageAccount,
        database: Database,
        bus: Bus,
        clock: Clock,
        tracer: RunTracer | None = None,
    ) -> None:
        self.run = run
        self.lease = lease
        self.account = account
        self._uncounted = UsageTally()
        self._database = database
        self._bus = bus
        self._clock = clock
        self.tracer = tracer or RunTracer(clock, None)
        # the tools that the run has, for as long as it is executed
        self.tools: tuple[RunTool, ...] = ()
        self.begin(RoundSetup())

    def begin(self, round_: RoundSetup, *, hold_back: bool = False) -> None:
        """Begins a round of the model.

        `hold_back` is for a round that is taken again, whose text was said before the worker
        died: text waits until the round ends. If calls follow, it is the text that stands already
        and is dropped; if none do, it is an answer of its own, and is said.
        """
        self._round = round_
        self._message_id: str | None = None
        self._step_id: str | None = None
        self._parts: list[OpenPart | ShownImage] = []
        self._calls: list[OpenCall] = []
        self._calls_of: dict[RunTool, list[OpenCall]] = {}
        # what the model server needs back with the round's calls, once it has ended
        self.extras: Extras | None = None
        # what takes thinking out of the answer's text, and whose thinking it is
        self.thinking = Thinking()
        self.origin = PLAIN.origin
        self._closed_thought = ""
        self._held: dict[int, list[Delta]] = {}
        self._closed_text = ""
        self._holding_back = hold_back

    @property
    def call_count(self) -> int:
        """The number of calls in the round so far."""
        return len(self._calls)

    @property
    def has_begun(self) -> bool:
        """True if the model said anything in this round."""
        return bool(self._parts or self._calls)

    @property
    def written(self) -> str:
        """Everything the model wrote in this round, for counting its tokens."""
        calls = "".join(call.name + call.arguments for call in self._calls)
        return self.thinking.thought + self._closed_text + self._open_text() + calls

    @property
    def thought(self) -> str:
        """The thinking in the text of this round, as it came."""
        told = "".join(part.thought for part in self._parts)
        return self.thinking.thought + self._closed_thought + told

    @property
    def found_lone_end(self) -> bool:
        """True if text that was given on turned out to begin with thinking."""
        return bool(self._closed_thought) or any(part.thought for part in self._parts)

    @property
    def writing(self) -> Kind | None:
        """The kind of part that text goes to now."""
        part = self._parts[-1] if self._parts else None
        return part.kind if isinstance(part, OpenPart) else None

    @property
    def calls(self) -> list[ToolCall]:
        """The calls so far, without the outputs of functions."""
        return [call.stored for call in self._calls]

    def calls_of(self, tool: RunTool) -> list[OpenCall]:
        """The calls of a tool in this round."""
        return self._calls_of.get(tool, [])

    @property
    def step_id(self) -> str | None:
        """The step of the calls; None before there are any."""
        return self._step_id

    @property
    def asks_client(self) -> bool:
        """True if one of the calls is a function of the client."""
        return any(call.asks_client for call in self._calls)

    @property
    def content(self) -> list[Part]:
        """The parts of the open message so far."""
        return [part.content for part in self._parts]

    @property
    def kept(self) -> Extras | None:
        """The extras that are stored beside the step of the round."""
        thought = self.thought
        if not thought:
            return self.extras
        server, model = self.origin
        extras = self.extras or Extras(server=server, model=model)
        kept = bounded(replace(extras, thinking=thought))
        return kept if kept.thinking else self.extras

    async def open_part(self, kind: Kind) -> None:
        """Begins a part of the message; the first one opens the message and its step."""
        self.close_part()
        if self._holding_back:
            self._open(OpenPart(kind, "", 0, None))
            return
        if self._message_id is None:
            self._message_id = await self._write(run_writes.open_message)
            self._show_images(self._message_id)
        make = self._round.annotator
        annotator = make() if make and kind == "text" else None
        self._open(OpenPart(kind, self._message_id, len(self._parts), annotator))

    def text(self, fragment: str) -> None:
        """Publishes a fragment of the open part. The hot path: no write, no object model."""
        part = self._parts[-1]
        assert isinstance(part, OpenPart)  # noqa: S101 # images are no place for text
        if self._holding_back:
            part.fragments.append(fragment)
        elif part.annotator is None:
            self._bus.publish(self.run.id, part.delta(fragment))
        else:
            self.publish(part.annotated(part.annotator.feed(fragment)))

    def close_part(self) -> None:
        """Publishes what the open part, if there is one, still holds back."""
        part = self._parts[-1] if self._parts else None
        if isinstance(part, OpenPart) and part.annotator is not None:
            self.publish(part.closed())

    async def open_call(self, call_id: str, name: str) -> None:
        """Begins a call; the first one completes the message and opens the step."""
        if self._step_id is None:
            self.close_part()
            if self._message_id is not None:
                withdrawn = self._is_withdrawn
                await self._write(run_writes.close_message, self.content, withdrawn=withdrawn)
            self._closed_thought = "".join(part.thought for part in self._parts)
            self._closed_text = self._open_text()
            self._message_id, self._parts, self._holding_back = None, [], False
            self._step_id = await self._write(run_writes.open_calls, self._withdraw)
        call = self._call(self._step_id, call_id, name)
        if any(earlier.has_live_outputs for earlier in self._calls):
            # Calls are told one after the other, and that one has outputs to come (spec 04 §3.2).
            self._held[call.index] = []
        self._calls.append(call)
        self._tell_of(call.index, [call.begin()])

    def arguments(self, index: int, fragment: str) -> None:
        """Adds a fragment of a call's arguments, and publishes its deltas."""
        self._tell_of(index, self._calls[index].write(fragment))

    def publish_up_to(self, call: OpenCall) -> None:
        """See `RunWriter`."""
        self._publish_held(call.index)

    def publish_all(self) -> None:
        """Publishes what calls still hold back, once all are answered."""
        self._publish_held(len(self._calls))

    def publish(self, deltas: Iterable[Delta]) -> None:
        """Publishes what is never stored."""
        for delta in deltas:
            self._bus.publish(self.run.id, delta)

    def count(self, kind: UsageKind) -> None:
        """See `RunWriter`."""
        self._uncounted.add(UsageKey(kind, self.account), UsageCounts(requests=1))

    def count_model_call(self, usage: Usage) -> None:
        """Counts a call of the model that has ended."""
        counts = UsageCounts(
            requests=1,
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            cached_tokens=usage.prompt_token_details.cached_tokens,
        )
        self._uncounted.add(UsageKey("completions", self.account, self.run.model), counts)

    async def keep_file(self, file_id: str, name: str, blob: WrittenBlob) -> None:
        """See `RunWriter`."""
        await self._write(run_writes.keep_file, self.calls, file_id, name, blob, extras=self.kept)

    async def close_calls(self, usage: Usage) -> bool:
        """Ends a round whose calls the server has answered; False where the run has ended."""
        calls, extras = self.calls, self.kept
        trace = self.tracer.take()
        return await self._write(
            run_writes.close_calls, calls, usage=usage, extras=extras, trace=trace
        )

    async def end(self, outcome: Outcome) -> None:
        """Writes the outcome of the round."""
        if self._holding_back:
            await self._say_held_back()
        self.close_part()
        match outcome:
            case Done(usage):
                if not self._parts:
                    await self.open_part("text")
                await self._write(
                    run_writes.complete,
                    self.content,
                    usage=usage,
                    extras=self.kept,
                    withdrawn=self._is_withdrawn,
                    trace=self.tracer.take(),
                )
            case Ask(usage):
                await self._write(
                    run_writes.ask,
                    self.calls,
                    usage=usage,
                    extras=self.kept,
                    trace=self.tracer.take(),
                )
            case Truncated(reason, usage):
                await self._write(run_writes.truncate, reason, partial=self._partial(usage))
            case Failed(error, usage, message_reason):
                partial = self._partial(usage)._replace(message_reason=message_reason)
                await self._write(run_writes.fail, error, partial=partial)

    async def release(self, usage: Usage | None) -> None:
        """Leaves the run: ends it if it is cancelled or past its time, else requeues it."""
        self.close_part()
        trace = self.tracer.released(self.lease.owner)
        await self._write(leases.release, partial=self._partial(usage), trace=trace)

    async def _say_held_back(self) -> None:
        held, self._parts, self._holding_back = self._parts, [], False
        for part in held:
            if isinstance(part, OpenPart):
                thought = part.thought
                self._closed_thought += thought
                await self.open_part(part.kind)
                self.text("".join(part.fragments)[len(thought) :])

    def _withdraw(self, tx: Transaction, step: RunStep, *, project: str, now: int) -> None:
        for tool in self.tools:
            tool.withdraw(tx, step, project=project, now=now)

    def _call(self, step_id: str, call_id: str, name: str) -> OpenCall:
        index, offered = len(self._calls), self._round.offered
        if tool := offered.get(name):
            call = tool.open_call(step_id, index, call_id)
            self._calls_of.setdefault(tool, []).append(call)
            return call
        if self._round.asks_client:
            # Whoever has functions is asked for invented ones, too (spec 06 §3).
            return OpenFunctionCall(step_id, index, call_id, name)
        return OpenUnknownCall(step_id, index, call_id, name, offered=list(offered))

    def _publish_held(self, last: int) -> None:
        for index in sorted(self._held):
            if index <= last:
                self.publish(self._held.pop(index))

    def _tell_of(self, index: int, deltas: Iterable[Delta]) -> None:
        """Publishes deltas of a call now, or once the calls before it are answered."""
        held = self._held.get(index)
        if held is None:
            self.publish(deltas)
        else:
            held.extend(deltas)

    def _show_images(self, message_id: str) -> None:
        """Puts the images that code has shown before what the model says of them."""
        for file_id in self._round.images:
            image = ShownImage(file_id, message_id, len(self._parts))
            self._parts.append(image)
            self.publish([image.delta])

    def _partial(self, usage: Usage | None) -> PartialMessage:
        return PartialMessage(
            self.content,
            self.calls,
            usage,
            extras=self.kept,
            withdrawn=self._is_withdrawn,
            is_answered=self.has_begun or not self.thought,
            trace=self.tracer.take(),
        )

    @property
    def _is_withdrawn(self) -> bool:
        """True if listeners were told text that the message does not hold."""
        return not self._holding_back and any(part.thought for part in self._parts)

    def _open(self, part: OpenPart) -> None:
        # The first text that is told begins the answer.
        is_first = part.kind == "text" and self.writing is None and not self._closed_thought
        part.may_hold_thinking = is_first and self.thinking.may_end_later
        self._parts.append(part)

    def _open_text(self) -> str:
        return "".join(fragment for part in self._parts for fragment in part.fragments)

    async def _write(
        self,
        command: Callable[Concatenate[Transaction, HeldLease, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        hold = HeldLease(self.run.id, self.lease, int(self._clock.now()))
        counts = self._uncounted.take()
        if not counts:
            return await self._database.write(command, hold, *args, **kwargs)

        def counted(tx: Transaction) -> T:
            result = command(tx, hold, *args, **kwargs)
            usage_counts.add(tx, counts, server=self.lease.owner, now=hold.now)
            return result

        try:
            return await self._database.write(counted)
        except Exception:
            # Not after a cancel, when it is written all the same.
            for key, lost in counts.items():
                self._uncounted.add(key, lost)
            raise
