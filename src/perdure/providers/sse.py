"""Server-sent events from a model server, decoded as the bytes come."""

from perdure.errors import ProviderError

# No sane chunk is longer; a server that never ends its line must not fill the memory.
_MAX_PENDING = 1024 * 1024


class SSEDecoder:
    """Cuts bytes into the `data` payloads of events; other fields and comments are passed over."""

    def __init__(self) -> None:
        self._pending = b""
        self._data: list[bytes] = []

    def feed(self, received: bytes) -> list[bytes]:
        """The payloads that these bytes complete. Raises `ProviderError` for an endless line."""
        lines = (self._pending + received).split(b"\n")
        self._pending = lines.pop()
        if len(self._pending) > _MAX_PENDING:
            raise ProviderError("The model server sent an event without an end.")
        payloads: list[bytes] = []
        for line in lines:
            text = line.removesuffix(b"\r")
            if text.startswith(b"data:"):
                self._data.append(text[5:].removeprefix(b" "))
            elif not text and self._data:
                payloads.append(b"\n".join(self._data))
                self._data.clear()
        return payloads

    def end(self) -> list[bytes]:
        """What the stream left without its closing blank line."""
        return self.feed(b"\n\n")
