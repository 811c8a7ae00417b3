"""A model server that costs next to nothing, so that what stands before it is measured.

The model's name says what is answered: `300-at-50` streams 300 tokens, 50 a second, each in a
chunk and a write of its own; `5-at-once` sends all it has in one write. `GET /gone` is answered
when the next stream is left before its end.

    python -m bench.model_server PORT
"""

import asyncio
import re
import sys
from typing import ClassVar, cast

import uvloop

WORD = "lorem"

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_MODEL = re.compile(rb'"model": *"(\d+)-at-(once|[\d.]+)"')

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_LISTED = b'{"object":"list","data":[{"id":"bench","object":"model"}]}'
_MODELS = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(_LISTED),
    _LISTED,
)
_GONE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


def _chunk(choices: str, usage: str = "null") -> bytes:
    """A chunk of the answer as a server-sent event in an HTTP chunk."""
    data = (
        'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1750000000,'
        f'"model":"bench","system_fingerprint":"fp_bench","choices":{choices},"usage":{usage}}}\n\n'
    )
    return b"%x\r\n%b\r\n" % (len(data), data.encode())


def _choice(delta: str, finish_reason: str = "null") -> str:
    return f'[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish_reason}}}]'


_FIRST = _chunk(_choice('{"role":"assistant","content":""}'))
_TOKEN = _chunk(_choice(f'{{"content":" {WORD}"}}'))
_DONE = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


def _last(tokens: int) -> bytes:
    usage = f'{{"prompt_tokens":10,"completion_tokens":{tokens},"total_tokens":{10 + tokens}}}'
    return _chunk(_choice("{}", '"stop"')) + _chunk("[]", usage) + _DONE


class Connection(asyncio.Protocol):
    """One client, one answer at a time."""

    _awaiting_gone: ClassVar[list["Connection"]] = []

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._timer is not None:
            self._timer.cancel()
            for waiting in self._awaiting_gone:
                waiting._transport.write(_GONE)  # noqa: SLF001
            self._awaiting_gone.clear()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, ended, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if ended and len(body) >= (int(length[1]) if length else 0):
            self._received = b""
            if head.startswith(b"GET /gone "):
                self._awaiting_gone.append(self)
            else:
                self._answer(body)

    def _answer(self, body: bytes) -> None:
        model = _MODEL.search(body)
        if model is None:
            self._transport.write(_MODELS)
        elif model[2] == b"once":
            tokens = int(model[1])
            self._transport.write(_HEAD + _FIRST + _TOKEN * tokens + _last(tokens))
        else:
            self._transport.write(_HEAD + _FIRST)
            self._stream(int(model[1]), 1 / float(model[2]), self._loop.time(), 0)

    def _stream(self, tokens: int, pause: float, began: float, sent: int) -> None:
        """Sends the next token at the time it has, however late the last one was."""
        self._transport.write(_TOKEN)
        sent += 1
        if sent == tokens:
            self._transport.write(_last(tokens))
            self._timer = None
            return
        due = began + sent * pause
        self._timer = self._loop.call_at(due, self._stream, tokens, pause, began, sent)


async def serve(port: int) -> None:
    """Answers on this port of the loopback address until the process is killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
