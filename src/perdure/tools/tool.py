"""The seam to the tools that the server runs: what a tool must do.

`tests/tools/test_conformance.py` runs against every implementation.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from perdure.bus.bus import Bus
from perdure.clock import Clock
from perdure.commands.blobs import WrittenBlob
from perdure.commands.runs import Lease
from perdure.commands.usage_counts import UsageKind
from perdure.errors import PerdureError
from perdure.retrieval.embedder import Embedders
from perdure.sandbox.sessions import Sessions
from perdure.settings import Settings
from perdure.storage.blob_stores import BlobStores
from perdure.storage.database import Database, Transaction
from perdure.tools.annotation import TextFilter
from perdure.tools.open_call import OpenCall
from perdure.wire.events import Delta
from perdure.wire.run_steps import RunStep, ToolCall, ToolCalls
from perdure.wire.runs import Run
from perdure.wire.tools import FunctionTool


class ToolError(PerdureError):
    """A tool cannot work. The run fails with this message."""


class Upkeep(NamedTuple):
    """A background loop: its name in logs, and the seconds between two steps."""

    name: str
    seconds: float


async def _note_nothing() -> None:
    """A server that is alone has nobody to tell."""


class ToolServices(NamedTuple):
    """Everything that tools are made of. `window` gives a model's context window in tokens,
    `note_sessions` writes down at once for the other servers which code sessions there are.
    """

    database: Database
    bus: Bus
    clock: Clock
    blobs: BlobStores
    embedders: Embedders
    sessions: Sessions
    settings: Settings
    window: Callable[[str], int]
    note_sessions: Callable[[], Awaitable[None]] = _note_nothing


class Replay(NamedTuple):
    """An earlier call as the model is shown it: its arguments as JSON, and its output."""

    arguments: str
    output: str


class Replays(Protocol):
    """The run's earlier calls of a tool."""

    can_shrink: bool
    """True if the outputs can be made shorter."""

    def within(self, room: int | None) -> Mapping[str, Replay]:
        """The calls by their ids; the parts of the outputs that can be left out take at most so
        many tokens. With None nothing is left out.
        """
        ...


class NoReplays:
    """A run without earlier calls of the tool."""

    can_shrink = False

    def within(self, room: int | None) -> Mapping[str, Replay]:  # noqa: ARG002 (of the seam)
        return {}


class ToolPrompt(NamedTuple):
    """The contribution of a tool to a model call.

    `definition`: the function that the model is offered, None where there is nothing to call.
    `replays`: the run's earlier calls. `make_filter` makes the filter of each text part of the
    answer; None where there is nothing to annotate. `images`: ids of the image files that the
    next message begins with. `sources` is what the definition was made of beside the run, for
    `Tool.recall`: ids, and no text of anybody's.
    """

    definition: FunctionTool | None
    replays: Replays
    make_filter: Callable[[], TextFilter] | None = None
    images: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


Prompter = Callable[[Transaction, Sequence[RunStep]], ToolPrompt]
"""Makes what a tool brings to a model call; the steps are the run's completed ones."""


class RunWriter(Protocol):
    """The writer of the run that a tool works for: the recorder."""

    run: Run
    lease: Lease

    @property
    def step_id(self) -> str | None:
        """The step of the calls."""
        ...

    def publish(self, deltas: Iterable[Delta]) -> None:
        """Publishes what is never stored."""
        ...

    def count(self, kind: UsageKind) -> None:
        """Counts one use of a tool; the run's next transaction writes it."""
        ...

    def publish_up_to(self, call: OpenCall) -> None:
        """Publishes the deltas of this call and the calls before it that waited for earlier ones
        to be answered. A tool whose calls have `has_live_outputs` calls this before each.
        """
        ...

    async def keep_file(self, file_id: str, name: str, blob: WrittenBlob) -> None:
        """Makes a file of a blob, and writes the calls with it, in one transaction."""
        ...


class RunTool(Protocol):
    """A tool in one execution of a run that has it."""

    name: str
    """The name under which the model calls it."""

    @property
    def sources(self) -> Sequence[str]:
        """The ids of the vector stores that it searches; none for a tool that searches nothing."""
        ...

    def is_forced(self, choice: object) -> bool:
        """True if this `tool_choice` of the run forces the tool."""
        ...

    def prompter(self) -> Prompter:
        """Begins a model call, on the event loop. What is returned is called in a reader's thread,
        so it holds copies of what may change meanwhile.
        """
        ...

    def open_call(self, step_id: str, index: int, call_id: str) -> OpenCall:
        """A call that the model begins to write."""
        ...

    async def answer(self, calls: Sequence[OpenCall], writer: RunWriter) -> None:
        """Answers the calls of one round, in their order. Raises `ToolError`.

        Cancelled with its run; what it started is then stopped, and nobody waits for it for long.
        """
        ...

    def withdraw(self, tx: Transaction, step: RunStep, *, project: str, now: int) -> None:
        """Deletes what the calls of this step have left: another execution has broken off in it,
        and this one begins it again.
        """
        ...

    def close(self) -> None:
        """The execution has come to its end."""
        ...


class Tool(Protocol):
    """A tool of one server."""

    @property
    def upkeep(self) -> Upkeep | None:
        """The background loop that calls `step`; None for a tool without one."""
        ...

    async def open(self, run: Run) -> RunTool | None:
        """The tool for one execution of the run; None if the run does not have it. Raises
        `ToolError`.
        """
        ...

    def recall(
        self, run: Run, sources: Mapping[str, Sequence[str]]
    ) -> "tuple[RunTool, Prompter] | None":
        """The tool as it was in an earlier model call of the run, by what its prompt named as
        sources then; they are under the tool's name. None if it was not there. Nothing is opened:
        it can be prompted, and no more.
        """
        ...

    async def step(self) -> None:
        """Does what is due in the background."""
        ...

    async def close(self) -> None:
        """Ends all that the tool has started. No execution is open any more."""
        ...


def free_name(wanted: str, run: Run) -> str:
    """The name that a tool is offered under: none of the run's functions has it."""
    taken = {tool.function.name for tool in run.tools if isinstance(tool, FunctionTool)}
    while wanted in taken:
        wanted += "_"
    return wanted


def calls_of(steps: Iterable[RunStep]) -> Iterator[ToolCall]:
    """The calls of these steps, in order."""
    for step in steps:
        if isinstance(step.step_details, ToolCalls):
            yield from step.step_details.tool_calls
