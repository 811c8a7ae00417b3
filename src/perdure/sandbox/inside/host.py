"""The socket to the host, as the program inside uses it."""

import json
import socket
import struct
import sys
from typing import Any

BLOCK_BYTES = 1024 * 1024
JSON, BYTES = 0, 1


class Host:
    """The socket to the host: frames of a length, a kind and a body."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link

    def send_frame(self, **frame: object) -> None:
        body = json.dumps(frame, ensure_ascii=False).encode("utf-8", "replace")
        self.link.sendall(struct.pack(">IB", len(body), JSON) + body)

    def send(self, block: bytes) -> None:
        self.link.sendall(struct.pack(">IB", len(block), BYTES) + block)

    def receive(self) -> bytes:
        return self._frame()[1]

    def receive_frame(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.receive())
        return frame

    def receive_block(self) -> bytes | None:
        """Returns the next block of a file, empty at its end; None when the host gives it up."""
        kind, body = self._frame()
        return body if kind == BYTES else None

    def _frame(self) -> tuple[int, bytes]:
        size, kind = struct.unpack(">IB", self._exactly(5))
        return kind, self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        got = bytearray()
        while len(got) < size:
            block = self.link.recv(min(size - len(got), BLOCK_BYTES))
            if not block:
                sys.exit(0)  # the host has gone, and all that is here goes with this process
            got += block
        return bytes(got)
