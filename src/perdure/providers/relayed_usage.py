"""The usage of an answer that is passed through: read from its bytes as they go by, or estimated.

The answer itself is not held in memory: its beginning and its end are looked at, where model
servers tell the usage.
"""

import re

import msgspec

from perdure.providers import usage
from perdure.wire.base import decode
from perdure.wire.chat import ChatUsage

_HEAD_BYTES = 4 * 1024
_TAIL_BYTES = 16 * 1024
# Not within a string, where the quotes would be escaped.
_USAGE = re.compile(rb'(?<!\\)"usage"\s*:\s*(?=\{)')
_EVENT = b"data:"
# A token of English has about so many characters.
_BYTES_A_TOKEN = 4


class RelayedUsage:
    """Reads the usage of one answer. `request_bytes` is the length of the request's body."""

    def __init__(self, request_bytes: int) -> None:
        self._request_bytes = request_bytes
        self._head = b""
        self._tail = b""
        self._bytes = 0
        self._events = 0

    def feed(self, block: bytes) -> None:
        """Looks at the next bytes of the answer."""
        self._bytes += len(block)
        self._events += block.count(_EVENT)
        if len(self._head) < _HEAD_BYTES:
            self._head += block[: _HEAD_BYTES - len(self._head)]
        self._tail = (self._tail + block[-_TAIL_BYTES:])[-_TAIL_BYTES:]

    def result(self, *, is_embedding: bool) -> ChatUsage:
        """Returns what the model server told. Else the tokens are estimated: by the length of the
        request, and by the events of a stream, of which each has about a token.
        """
        told = _last(self._tail) or _last(self._head)
        if told is not None:
            return told
        written = 0 if is_embedding else self._events or self._bytes // _BYTES_A_TOKEN
        return ChatUsage(self._request_bytes // _BYTES_A_TOKEN, written)


def _last(text: bytes) -> ChatUsage | None:
    """Returns the usage that stands last in a part of an answer."""
    for found in reversed(list(_USAGE.finditer(text))):
        end = text.find(b"}", found.end())
        while end >= 0:
            try:
                told = usage.read(decode(text[found.end() : end + 1], dict))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                # The brace was that of a part; there are few of them.
                end = text.find(b"}", end + 1) if end - found.end() < _HEAD_BYTES else -1
                continue
            if told is not None and (told.prompt_tokens or told.completion_tokens):
                return told
            break
    return None
