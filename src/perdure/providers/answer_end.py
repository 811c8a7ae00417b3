"""How an answer of a model server ended: whole, or what is missing and what the server said."""

from perdure.errors import ProviderError
from perdure.providers import error_body, faults
from perdure.providers.faults import AnsweringServer
from perdure.providers.finish_reasons import FinishReason, meaning
from perdure.wire.base import JsonObject

_DONE = "[DONE]"
# So many things that were said beside an answer are kept.
_MOST_ASIDES = 20
# What some send where a comment would be in its place.
_SIGNS_OF_LIFE = frozenset({"ping", "heartbeat", "keepalive", "keep-alive"})


class Ending:
    """Takes note of all that says how an answer ends, and judges when no more comes of it.

    An answer is whole behind a finish reason that is no failure, and behind `[DONE]` if a choice
    was read and nothing was said beside the answer.
    """

    def __init__(self) -> None:
        # Whether a choice was read; whether `[DONE]` has come.
        self.has_begun = False
        self.is_done = False
        # Whether the last that came has no end.
        self.is_torn = False
        self._reason: FinishReason | None = None
        # A finish reason that is a failure, and what was told with it.
        self._bad_reason = ""
        self._bad: JsonObject | None = None
        # What was said beside the answer: if it stays without an end, this says why.
        self._asides: list[str] = []
        self._unread: JsonObject | None = None

    def finish(self, reason: str, told: JsonObject) -> FinishReason | None:
        """Takes a finish reason, and what was told along with it; what it is called in the API."""
        means = meaning(reason)
        if means == "unfinished":
            return None
        self.has_begun = True
        if means == "failure":
            self._bad, self._bad_reason = told, reason
            return None
        self._reason = means
        return means

    def hear(self, text: str) -> None:
        """Takes what stands in the stream and is no JSON object."""
        if text == _DONE:
            self.is_done = True
        elif text and text.lower() not in _SIGNS_OF_LIFE:
            self._keep(text)

    def look(self, document: JsonObject) -> None:
        """Takes an object that is neither a piece of an answer nor certainly an error."""
        if error_body.is_telling(document):
            self._keep(error_body.words(document))
        elif "choices" not in document and self._unread is None:
            self._unread = document

    def shortcoming(
        self, origin: AnsweringServer, broken: ProviderError | None, *, wrote: bool
    ) -> ProviderError | None:
        """What is wrong with the answer; None if it is whole. `wrote`: there are words or calls."""
        aside = "\n".join(self._asides)
        if self._bad is not None:
            said = error_body.words(self._bad) or aside or f"finish_reason '{self._bad_reason}'"
            return faults.said({**self._bad, "message": said}, origin)
        if self._reason is not None:
            empty = self._reason == "tool_calls" and not wrote
            return faults.without_calls(origin) if empty else None
        if aside:
            return faults.said(aside, origin)
        if self.is_done and self.has_begun:
            return None
        if broken is not None:
            return broken
        if self._unread is not None and not self.has_begun:
            return faults.without_choices(self._unread, origin)
        return faults.unreadable(origin) if self.is_torn else faults.ended_early(origin)

    def _keep(self, aside: str) -> None:
        if len(self._asides) < _MOST_ASIDES:
            self._asides.append(aside)
