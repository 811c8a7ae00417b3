"""What the invariants are said of: a run as it is stored, with all that belongs to it."""

from typing import NamedTuple

from perdure.storage.database import Row
from perdure.wire.chat import Extras
from perdure.wire.events import Event
from perdure.wire.messages import Message
from perdure.wire.run_steps import FunctionToolCall, MessageCreation, RunStep, ToolCalls, functions
from perdure.wire.runs import Run
from perdure.wire.usage import Usage


class Violation(NamedTuple):
    """Something that cannot be: of which object, and what in one sentence about it."""

    id: str
    text: str


class StoredStep(NamedTuple):
    """A step: its row and its body; `usage` is what the row notes of its model call, `extras` what
    the model server needs back.
    """

    row: Row
    step: RunStep
    usage: Usage | None
    extras: Extras | None


class StoredMessage(NamedTuple):
    """A message: its row and its body."""

    row: Row
    message: Message


class RunHistory(NamedTuple):
    """A run from its beginning to now.

    `deleted`: messages that its steps name and that a client has deleted since. `oldest`: when
    the oldest event of the whole database was told; all that is older may be forgotten, because
    events are forgotten oldest first, and of deleted messages nothing is forgotten before.
    `damaged`: steps and messages that cannot be read, and `log_is_whole` whether all events can:
    what they say is not missed elsewhere.
    """

    row: Row
    run: Run
    steps: list[StoredStep]
    messages: list[StoredMessage]
    log: list[Event]
    deleted: frozenset[str]
    oldest: int
    damaged: frozenset[str] = frozenset()
    log_is_whole: bool = True

    def is_remembered(self, since: int) -> bool:
        """Whether nothing that happened from this time on can have been forgotten."""
        return since > self.oldest

    @property
    def written(self) -> dict[str, StoredStep]:
        """The steps that wrote messages, by the message's id."""
        return {
            each.step.step_details.message_creation.message_id: each
            for each in self.steps
            if isinstance(each.step.step_details, MessageCreation)
        }


def function_calls(step: RunStep) -> list[FunctionToolCall]:
    """The calls of a step that the client answers."""
    details = step.step_details
    return functions(details) if isinstance(details, ToolCalls) else []
