"""Server-sent events from a model server, decoded as the bytes come."""

from perdure.errors import ProviderError

# No sane event is longer; a server that never ends its line must not fill the memory.
_MAX_BYTES = 1024 * 1024
# A byte order mark may stand before the first line.
_MARKED = b"\xef\xbb\xbfdata:"


class SSEDecoder:
    """Cuts bytes into the `data` payloads of events; other fields and comments are passed over."""

    def __init__(self) -> None:
        # The pieces of a line without its end: joined once, however many they are.
        self._pending: list[bytes] = []
        self._data: list[bytes] = []
        # The bytes held in both.
        self._held = 0

    def feed(self, received: bytes) -> list[bytes]:
        """The payloads that these bytes complete; `ProviderError` for an event over 1 MiB."""
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
            elif text.startswith(_MARKED):
                self._hold(self._data, text[8:].removeprefix(b" "))
            elif not text and self._data:
                payload = b"\n".join(self._data)
                if payload:
                    payloads.append(payload)
                self._held -= sum(map(len, self._data))
                self._data.clear()
        if unended:
            self._hold(self._pending, unended)
        return payloads

    def end(self) -> list[bytes]:
        """What the stream left without its closing blank line, as much of it as there is."""
        return self.feed(b"\n\n")

    def _hold(self, pieces: list[bytes], piece: bytes) -> None:
        pieces.append(piece)
        self._held += len(piece)
        if self._held > _MAX_BYTES:
            raise ProviderError("The model server sent an event without an end.")
