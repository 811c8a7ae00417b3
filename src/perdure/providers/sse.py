"""Decoder of server-sent events from a model server, as the bytes come."""

import re

from perdure.errors import ProviderError

# No sane event is longer; a server that never ends its line must not fill the memory.
_MAX_BYTES = 1024 * 1024
# As much is kept of lines that belong to no event: nobody is shown more of it.
_MAX_STRAY_BYTES = 4096
# A field as the standard has them: a word and a colon. Other lines are words of somebody.
_FIELD = re.compile(rb"\w{1,20}:")
# The names of a field or an event that reports an error.
_FAILURE = re.compile(rb"[\w.-]*(error|exception)", re.IGNORECASE)


class ErrorData(bytes):
    """The data of an event that is named for an error, or of a field of that name."""


class SSEDecoder:
    """Cuts bytes into the `data` payloads of events.

    Other fields and comments are ignored, except where they report an error: its payload is
    `ErrorData`. A line of bare JSON is a payload too. Of other lines that are no fields, the first
    are kept: a server that breaks, or a proxy before it, may have said why.
    """

    def __init__(self) -> None:
        # The blocks of a line without its end: joined once, however many they are.
        self._pending: list[bytes] = []
        self._data: list[bytes] = []
        # The bytes held in both.
        self._held = 0
        # True if the event that is being read is named for an error.
        self._is_error = False
        self._stray = bytearray()

    @property
    def stray(self) -> bytes:
        """The lines that were no fields, without blank ones; at most 4 KiB."""
        return bytes(self._stray[:_MAX_STRAY_BYTES].strip())

    def feed(self, received: bytes) -> list[bytes]:
        """Returns the payloads that these bytes complete. Raises `ProviderError` for an event over
        1 MiB.
        """
        if not (self._pending or self._data or self._is_error):
            whole = _plain_payloads(received)
            if whole is not None:
                return whole
        lines = received.split(b"\n")
        unended = lines.pop()
        if lines and self._pending:
            lines[0] = b"".join((*self._pending, lines[0]))
            self._held -= sum(map(len, self._pending))
            self._pending.clear()
        payloads: list[bytes] = []
        for line in lines:
            text = line.removesuffix(b"\r")
            if text.startswith(b"data:"):
                self._hold(self._data, text[5:].removeprefix(b" "))
            elif text:
                self._read_rare(text, payloads)
            elif self._data or self._is_error:
                self._end_event(payloads)
        if unended:
            self._hold(self._pending, unended)
        return payloads

    def end(self) -> list[bytes]:
        """Returns the payloads of a stream that ended without its closing blank line."""
        return self.feed(b"\n\n")

    def _end_event(self, payloads: list[bytes]) -> None:
        payload = b"\n".join(self._data)
        if self._is_error:
            payloads.append(ErrorData(payload))
        elif payload:
            payloads.append(payload)
        self._held -= sum(map(len, self._data))
        self._data.clear()
        self._is_error = False

    def _read_rare(self, line: bytes, payloads: list[bytes]) -> None:
        """Reads any line but data and the blank one."""
        name, _, value = line.partition(b":")
        if not name:
            return
        if line[:1] == b"{" and line[-1:] == b"}":
            payloads.append(line)
        elif not _FIELD.match(line):
            if len(self._stray) < _MAX_STRAY_BYTES:
                self._stray += line + b"\n"
        elif name == b"event":
            self._is_error = _FAILURE.fullmatch(value.strip()) is not None
        elif _FAILURE.fullmatch(name):
            payloads.append(ErrorData(value.strip()))

    def _hold(self, blocks: list[bytes], block: bytes) -> None:
        blocks.append(block)
        self._held += len(block)
        if self._held > _MAX_BYTES:
            raise ProviderError("The model server sent an event without an end.")


def _plain_payloads(received: bytes) -> list[bytes] | None:
    """Returns the payloads of whole events that are one line of data each; None for all else. The
    hot path.
    """
    if not received.endswith(b"\n\n") or b"\r" in received:
        return None
    events = received[:-2].split(b"\n\n")
    if received.count(b"\n") != 2 * len(events):
        return None
    for event in events:
        if not (event.startswith(b"data: ") and 6 < len(event) <= _MAX_BYTES):
            return None
    return [event[6:] for event in events]
