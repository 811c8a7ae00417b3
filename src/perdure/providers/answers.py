"""Parsing of a model server's response: from its bytes to `ChatChunk`s, as they come. No I/O.

A payload of the documented form is decoded once and passed on. Every other payload is read again
and repaired: `repair.py` knows the other forms of a choice, `error_body.py` those of an error,
`answer_end.py` when a response is complete.
"""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from perdure.errors import ProviderError
from perdure.providers import error_body, extras, faults, repair, usage
from perdure.providers.answer_end import Ending
from perdure.providers.extras import ExtrasReader
from perdure.providers.faults import AnsweringServer
from perdure.providers.lenient_json import LenientJson
from perdure.providers.repair import SoFar
from perdure.providers.sse import ErrorData, SSEDecoder
from perdure.wire.base import JsonObject, decode
from perdure.wire.chat import ChatChunk, ChatUsage, Choice, ChoiceDelta, Extras

# An answer without end is cut here: far beyond any context window.
_MAX_BYTES = 64 * 1024 * 1024
_BLANK = b"\xef\xbb\xbf \t\r\n"
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)


class AnswerReader:
    """Parser of one response. `feed` and `end` return its chunks, `failure` is its error.

    A chunk has one choice at most, with a documented finish reason or none. It has usage only if
    that is complete without a count of ours.
    """

    def __init__(self, origin: AnsweringServer) -> None:
        self.failure: ProviderError | None = None
        self.usage: ChatUsage | None = None
        # True if the last chunk carried it.
        self.ends_with_usage = False
        self._origin = origin
        self._decoder = SSEDecoder()
        self._ending = Ending()
        self._received = 0
        self._is_sniffed = False
        # True if no more bytes come.
        self._is_last = False
        # The bytes of an answer that does not come as events.
        self._body: bytearray | None = None
        # Reads this answer since something came that nothing else can read.
        self._lenient: LenientJson | None = None
        self._extras = ExtrasReader(origin.where, origin.model)
        self._texts: list[str] = []
        self._rest: list[str] = []
        self._has_called = False
        # True if the text came in messages, and not in deltas.
        self._in_messages = False

    @property
    def has_ended(self) -> bool:
        """True if there is no reason to read on."""
        return self._ending.is_done or self.failure is not None

    @property
    def extras(self) -> Extras | None:
        """The extras to send back with the message, without those of its tool calls."""
        return self._extras.whole()

    @property
    def written(self) -> str:
        """The text that the model wrote, for counting its tokens."""
        return "".join((*self._texts, *self._rest))

    def feed(self, received: bytes) -> list[ChatChunk]:
        """Returns the chunks that these bytes complete, up to a failure."""
        self._received += len(received)
        if self._received > _MAX_BYTES:
            self.failure = faults.endless(self._origin)
            return []
        if not self._is_sniffed:
            received = self._sniffed(received)
        if self._body is not None:
            self._body += received
            return []
        return self._events(received)

    def end(self, broken: ProviderError | None = None) -> list[ChatChunk]:
        """Returns the chunks that are left. Afterwards `failure` is None only if the response is
        complete.

        `broken` is the error of a response that is not complete, where the server itself gave none.
        """
        chunks: list[ChatChunk] = []
        if not self.has_ended:
            self._is_last = True
            chunks = self._events(b"\n\n") if self._body is None else self._whole(bytes(self._body))
        if self.failure is None and self._decoder.stray:
            chunks += self._stray(self._decoder.stray)
        if self.failure is None:
            wrote = bool(self._texts or self._has_called)
            self.failure = self._ending.judge(self._origin, broken, wrote=wrote)
        return chunks

    def _sniffed(self, received: bytes) -> bytes:
        """Detects the format by the first bytes: labels cannot be relied on."""
        text = received.lstrip(_BLANK)
        self._is_sniffed = bool(text)
        if text.startswith(b"<"):
            self.failure = faults.web_page(self._origin)
            return b""
        if text.startswith((b"{", b"[")):
            self._body = bytearray()
        return text

    def _events(self, received: bytes) -> list[ChatChunk]:
        try:
            payloads = self._decoder.feed(received)
        except ProviderError as error:
            self.failure = error
            return []
        chunks: list[ChatChunk] = []
        for payload in payloads:
            chunk = self._plain(payload)
            if chunk is not None:
                chunks.append(chunk)
                continue
            chunks += self._odd(payload)
            if self.has_ended:
                break
        if chunks:
            self.ends_with_usage = chunks[-1].usage is not None
        return chunks

    def _whole(self, body: bytes) -> list[ChatChunk]:
        """Returns the chunks of a response of one JSON document, of several, or of events after
        all.
        """
        try:
            documents = self._documents(body)
        except _UNREADABLE:
            return [*self._events(body), *self._events(b"\n\n")]
        chunks = list(self._chunks(documents, is_whole=True))
        self.ends_with_usage = bool(chunks) and chunks[-1].usage is not None
        return chunks

    def _plain(self, payload: bytes) -> ChatChunk | None:
        """Returns the chunk of a payload that has nothing odd about it. The hot path."""
        if self._lenient is not None or type(payload) is not bytes:
            return None
        try:
            chunk = decode(payload, ChatChunk)
        except _UNREADABLE:
            return None
        if not chunk.choices or chunk.error is not None:
            return None
        choice = chunk.choices[0]
        if choice.finish_reason:
            return None
        if chunk.usage is not None and not usage.is_whole(chunk.usage, written=True):
            return None
        delta = choice.delta
        if delta.content:
            self._texts.append(delta.content)
        if delta.tool_calls or delta.refusal:
            self._note_rest(delta)
        elif not delta.content and not extras.has_any(delta):
            return None
        if extras.has_any(delta):
            self._extras.add(delta)
        self._ending.has_begun = True
        self.usage = chunk.usage or self.usage
        return chunk

    def _note_rest(self, delta: ChoiceDelta) -> None:
        """Notes what a delta adds to the response beside text."""
        if delta.refusal:
            self._rest.append(delta.refusal)
        for call in delta.tool_calls or ():
            self._has_called = True
            self._extras.note_call(call)
            if call.function is not None:
                self._rest += (call.function.name or "", call.function.arguments or "")

    def _odd(self, payload: bytes) -> Iterator[ChatChunk]:
        """Reads a payload that is not plainly a fragment of text or of a tool call."""
        try:
            documents = self._documents(payload)
        except _UNREADABLE:
            self._read_text(payload)
            return
        if isinstance(payload, ErrorData):
            self.failure = faults.error_in_answer(documents[0] if documents else "", self._origin)
        else:
            yield from self._chunks(documents)

    def _documents(self, payload: bytes) -> list[object]:
        if self._lenient is not None:
            return self._lenient.documents(payload)
        try:
            return [msgspec.json.decode(payload)]
        except msgspec.DecodeError:
            lenient = LenientJson()
            documents = lenient.documents(payload)
            self._lenient = lenient
            return documents

    def _read_text(self, payload: bytes) -> None:
        """Reads a payload that is no JSON: the end, an error in plain words, or nonsense."""
        text = payload.strip(_BLANK).decode(errors="replace")
        if isinstance(payload, ErrorData):
            self.failure = faults.error_in_answer(text, self._origin)
        elif not text.startswith("{"):
            self._ending.note_text(text)
        elif not self._is_last:
            # A fragment of the response is lost.
            self.failure = faults.unreadable(self._origin)

    def _stray(self, stray: bytes) -> list[ChatChunk]:
        """Reads the lines of the stream that belonged to no event."""
        try:
            return list(self._chunks(self._documents(stray)))
        except _UNREADABLE:
            if stray.startswith((b"{", b"[")):
                self._ending.is_torn = True
            else:
                self._ending.note_text(stray.decode(errors="replace"))
            return []

    def _chunks(
        self, documents: Iterable[object], *, is_whole: bool = False
    ) -> Iterator[ChatChunk]:
        try:
            for document in documents:
                # Some send a list of fragments, or a list that holds the error.
                for each in document if isinstance(document, list) else [document]:
                    chunk = self._chunk(each, is_whole=is_whole)
                    if chunk is not None:
                        yield chunk
                    if self.has_ended:
                        return
        except _UNREADABLE:
            self.failure = faults.unreadable(self._origin)

    def _chunk(self, document: object, *, is_whole: bool) -> ChatChunk | None:
        """Returns the chunk in a document; None if it is something else."""
        if isinstance(document, str):
            self._ending.note_text(document)
        if not isinstance(document, dict):
            return None
        if error_body.is_error(document):
            self.failure = faults.error_in_answer(document, self._origin)
            return None
        told = usage.read(document.get("usage"))
        choices = document.get("choices")
        chunk = ChatChunk()
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            is_whole = is_whole or document.get("object") == "chat.completion"
            chunk = ChatChunk([self._choice(choices[0], is_whole=is_whole)])
        elif told is None:
            self._ending.note_document(document)
        if told is not None:
            self.usage = told
            if usage.is_whole(told, written=bool(self._texts or self._rest)):
                chunk = replace(chunk, usage=told)
        return chunk if chunk.choices or chunk.usage else None

    def _choice(self, choice: JsonObject, *, is_whole: bool) -> Choice:
        more = bool(self._rest) or self._has_called
        said = "".join(self._texts)
        so_far = SoFar(said, self._in_messages, more, self._extras.seen)
        found = repair.delta(choice, so_far)
        delta = ChoiceDelta()
        if found is not None:
            delta = msgspec.convert(found, ChoiceDelta)
            self._ending.has_begun = True
            self._in_messages = self._in_messages or not (self._texts or choice.get("delta"))
        if delta.content:
            self._texts.append(delta.content)
        self._note_rest(delta)
        self._extras.add(delta)
        reason, told = repair.finish_reason(choice, is_whole=is_whole)
        return Choice(delta, self._ending.note_finish_reason(reason, told))
