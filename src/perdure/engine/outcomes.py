"""The outcomes of a round: values that the deciding code returns and the recorder applies."""

from typing import NamedTuple

from perdure.wire.chat import ChatRequest
from perdure.wire.runs import IncompleteRun, LastError
from perdure.wire.usage import Usage


class Done(NamedTuple):
    """The model answered, and asks for nothing."""

    usage: Usage


class Ask(NamedTuple):
    """The model called functions of the client."""

    usage: Usage


class Truncated(NamedTuple):
    """A token budget was reached."""

    reason: IncompleteRun
    usage: Usage | None


class Failed(NamedTuple):
    """The round could not be brought to an end.

    `message_reason` says why a half-written message is incomplete, where it is not the failure.
    """

    error: LastError
    usage: Usage | None = None
    message_reason: str | None = None


class TooLong(NamedTuple):
    """The model server refused the prompt as too long, before the model said anything: nothing
    has to be written, and a shorter one can be tried. `limit`: the window in tokens, if told.
    """

    request: ChatRequest
    failed: Failed
    limit: int | None


Outcome = Done | Ask | Truncated | Failed
