"""Notes for the trace of a run, until a statement that is written anyway takes them along."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec.structs import replace

from perdure.clock import Clock
from perdure.commands import traces
from perdure.engine import recipes
from perdure.engine.outcomes import Ask, Done, Failed, Outcome, TooLong, Truncated
from perdure.engine.thinking_rules import ModelOrigin
from perdure.providers.call_log import CallLog
from perdure.wire.traces import (
    CallOutcome,
    CutThinking,
    Recipe,
    TracedCall,
    TracedRelease,
    TracedToolWork,
    TraceEntry,
)

# A call whose line would be longer is kept without its recipe: as long as that of a prompt of some
# thousand messages.
MOST_CHARACTERS = 128 * 1024

OUTCOMES: dict[type, CallOutcome] = {
    Done: "answered",
    Ask: "called_tools",
    Truncated: "truncated",
    Failed: "failed",
    TooLong: "too_long",
}


class RunTracer:
    """The notes of one execution of a run. `address` is where its server listens; None: nothing is
    noted.
    """

    def __init__(self, clock: Clock, address: str | None) -> None:
        self._clock = clock
        self._address = address
        self._lines: list[str] = []

    @property
    def is_on(self) -> bool:
        """True if a trace is written."""
        return self._address is not None

    def take(self) -> str | None:
        """Returns the notes so far, as lines to be written with a row, and begins anew."""
        lines, self._lines = self._lines, []
        return "".join(lines) or None

    def released(self, owner: str) -> str | None:
        """Returns the line of a run that its worker gives back."""
        if self._address is None:
            return None
        now = self._clock.now()
        return traces.line(
            TracedRelease(at=now, reason="released", server=owner, address=self._address)
        )

    def call(self) -> "CallTracer":
        """Begins the notes of a model call."""
        return CallTracer(self, self._clock)

    @contextmanager
    def tool_work(self, name: str, call_ids: Sequence[str]) -> Iterator[None]:
        """Notes how long a tool takes for its calls of a round, however that ends."""
        started = self._clock.now()
        try:
            yield
        finally:
            self.note(
                TracedToolWork(
                    name=name,
                    call_ids=list(call_ids),
                    started_at=started,
                    ended_at=self._clock.now(),
                )
            )

    def note(self, entry: TraceEntry) -> None:
        """Adds an entry."""
        if not self.is_on:
            return
        line = traces.line(entry)
        if isinstance(entry, TracedCall) and len(line) > MOST_CHARACTERS:
            line = traces.line(replace(entry, recipe=None))
        self._lines.append(line)


class CallTracer:
    """The notes of one model call."""

    def __init__(self, tracer: RunTracer, clock: Clock) -> None:
        self._tracer = tracer
        self._clock = clock
        self._started_at = clock.now()
        self.log = CallLog(clock.now, kept=tracer.is_on)

    def end(
        self,
        outcome: Outcome | TooLong | None,
        *,
        origin: ModelOrigin,
        recipe: Recipe | None,
        is_last: bool,
        thought: int,
        told_thought: int,
    ) -> None:
        """Notes the call. Without an outcome it was broken off. `thought` are the characters of
        thinking that were taken out of its text, `told_thought` of them after they had been told.
        """
        if not self._tracer.is_on:
            return
        log = self.log
        failed = outcome.failed if isinstance(outcome, TooLong) else outcome
        cut = CutThinking(characters=thought, told_characters=told_thought) if thought else None
        self._tracer.note(
            TracedCall(
                started_at=self._started_at,
                first_token_at=log.first_token_at,
                ended_at=self._clock.now(),
                outcome="interrupted" if outcome is None else OUTCOMES[type(outcome)],
                error_code=failed.error.code if isinstance(failed, Failed) else None,
                server=origin.server if log.server is None else log.server,
                model=origin.model if log.model is None else log.model,
                attempts=log.attempts,
                # An answer has a step, which has its usage.
                usage=failed.usage if isinstance(failed, Failed | Truncated) else None,
                thinking=cut,
                recipe=recipes.sent(recipe, log, is_last=is_last) if recipe else None,
            )
        )
