"""The end of a model server's response: complete, or the reason why it is not."""

from perdure.errors import ProviderError
from perdure.providers import error_body, faults
from perdure.providers.faults import AnsweringServer
from perdure.providers.finish_reasons import FinishReason, meaning
from perdure.wire.base import JsonObject

_DONE = "[DONE]"
# The number of texts beside a response that are kept.
_MOST_ASIDES = 20
# Texts that some send in the place of a comment.
_SIGNS_OF_LIFE = frozenset({"ping", "heartbeat", "keepalive", "keep-alive"})


class Ending:
    """Collects everything that says how a response ends, and judges it when no more comes.

    A response is complete after a finish reason that is no failure. It is also complete after
    `[DONE]` if a choice was read and nothing else was said.
    """

    def __init__(self) -> None:
        # True if a choice was read; true if `[DONE]` has come.
        self.has_begun = False
        self.is_done = False
        # True if the last document is cut off.
        self.is_torn = False
        self._reason: FinishReason | None = None
        # A finish reason that is a failure, and what was told with it.
        self._bad_reason = ""
        self._bad: JsonObject | None = None
        # Texts beside the response: if it stays without an end, they say why.
        self._asides: list[str] = []
        self._unread: JsonObject | None = None

    def note_finish_reason(self, reason: str, told: JsonObject) -> FinishReason | None:
        """Notes a finish reason, and the details that came with it. Returns the API's name of the
        reason; None if it is none or a failure.
        """
        means = meaning(reason)
        if means == "unfinished":
            return None
        self.has_begun = True
        if means == "failure":
            self._bad, self._bad_reason = told, reason
            return None
        self._reason = means
        return means

    def note_text(self, text: str) -> None:
        """Notes text in the stream that is no JSON object."""
        if text == _DONE:
            self.is_done = True
        elif text and text.lower() not in _SIGNS_OF_LIFE:
            self._keep(text)

    def note_document(self, document: JsonObject) -> None:
        """Notes an object that is neither a fragment of the response nor certainly an error."""
        if error_body.is_telling(document):
            self._keep(error_body.words(document))
        elif "choices" not in document and self._unread is None:
            self._unread = document

    def judge(
        self, origin: AnsweringServer, broken: ProviderError | None, *, wrote: bool
    ) -> ProviderError | None:
        """Returns the error to raise for the response; None if it is complete. `wrote`: it has text
        or tool calls.
        """
        aside = "\n".join(self._asides)
        if self._bad is not None:
            said = error_body.words(self._bad) or aside or f"finish_reason '{self._bad_reason}'"
            return faults.error_in_answer({**self._bad, "message": said}, origin)
        if self._reason is not None:
            empty = self._reason == "tool_calls" and not wrote
            return faults.without_calls(origin) if empty else None
        if aside:
            return faults.error_in_answer(aside, origin)
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
