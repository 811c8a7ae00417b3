"""The history of a run, which the invariants check: its rows with all that belongs to them."""

from typing import NamedTuple

from perdure.storage.database import Row
from perdure.wire.chat import Extras
from perdure.wire.events import Event
from perdure.wire.messages import Message
from perdure.wire.run_steps import FunctionToolCall, MessageCreation, RunStep, ToolCalls, functions
from perdure.wire.runs import Run
from perdure.wire.usage import Usage


class Violation(NamedTuple):
    """A violated invariant: the object's id, and one sentence about it."""

    id: str
    text: str


class StoredStep(NamedTuple):
    """A step: its row and its body. `usage` is the row's note of its model call, `extras` the data
    that the model server needs back.
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

    `deleted`: messages that its steps name and that a client has deleted since. `oldest`: the time
    of the oldest event of the whole database. Older events may have been removed from the log,
    because the oldest are removed first. Tombstones of messages are removed no earlier than the
    events. `damaged`: steps and messages that cannot be read. `log_is_whole`: all events can be
    read. Facts that damaged rows hold are not missed elsewhere.
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
        """Returns True if no event from this time on can have been removed from the log."""
        return since > self.oldest

    @property
    def steps_by_message(self) -> dict[str, StoredStep]:
        """Returns the steps that wrote messages, by the message's id."""
        return {
            each.step.step_details.message_creation.message_id: each
            for each in self.steps
            if isinstance(each.step.step_details, MessageCreation)
        }


def function_calls(step: RunStep) -> list[FunctionToolCall]:
    """Returns the calls of a step that the client answers."""
    details = step.step_details
    return functions(details) if isinstance(details, ToolCalls) else []
