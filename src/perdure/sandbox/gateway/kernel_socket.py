"""The websocket of one kernel of a gateway: Jupyter's messages, bounded and typed.

The gateway belongs to the operator, its kernels to whoever writes the code. So all that comes over
a websocket may be forged, also the ids of the requests that it claims to answer.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

import aiohttp
import msgspec

from perdure.sandbox.sandbox import MIB

# one message; and all that come of one request
MOST_AT_ONCE = 32 * MIB
_MOST_IN_ALL = 512 * MIB
# of Linux
_QUICK_ACKNOWLEDGE = getattr(socket, "TCP_QUICKACK", None)
_CLOSED = "The gateway of the code interpreter closed the connection."
# the kind of our own message that nothing more will come
GONE = "gone"


class _Header(msgspec.Struct):
    msg_id: str = ""
    msg_type: str = ""


class _Envelope(msgspec.Struct):
    channel: str
    header: _Header
    parent_header: _Header
    content: msgspec.Raw


class Status(msgspec.Struct):
    """The state of a kernel. It belongs to no request if the gateway itself says it."""

    execution_state: str


class KernelMessage(NamedTuple):
    """A message of a kernel. `parent`: the request that it claims to belong to; `kind`: its type,
    or `GONE` for the end of kernel or websocket, where `content` says why.
    """

    channel: str
    kind: str
    parent: str
    content: bytes


class Link:
    """The websocket of one kernel. It is always read, so that no message waits in the gateway,
    which has other kernels to serve.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self._socket = socket
        self._bytes_left = _MOST_IN_ALL
        self._reading: asyncio.Task[None] | None = None

    def listen(self, take: Callable[[KernelMessage], None]) -> None:
        """Starts to read: `take` is called for each message. To be called once, at the
        beginning.
        """
        self._reading = asyncio.create_task(self._read(take), name="kernel messages")

    async def execute(
        self, asked: str, code: str, *, expressions: Mapping[str, str], silent: bool
    ) -> None:
        """Asks the kernel to execute code and then to evaluate expressions; `asked` is the id of
        the request.

        Raises `OSError` when the websocket has ended.
        """
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": dict(expressions),
            "allow_stdin": False,
            "stop_on_error": False,
        }
        message = {
            "channel": "shell",
            "header": {
                "msg_id": asked,
                "msg_type": "execute_request",
                "version": "5.3",
                "username": "perdure",
                "session": asked,
                "date": "",
            },
            "parent_header": {},
            "metadata": {},
            "content": content,
            "buffers": [],
        }
        self._bytes_left = _MOST_IN_ALL
        await self._socket.send_str(msgspec.json.encode(message).decode())

    async def _read(self, take: Callable[[KernelMessage], None]) -> None:
        while True:
            self._request_quick_acknowledgement()
            said = await self._socket.receive()
            if said.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                too_much = self._socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
                why = "It wrote too much at once." if too_much else _CLOSED
                break
            self._bytes_left -= len(said.data)
            if self._bytes_left < 0:
                why = "It wrote without end."
                break
            message = _message(said.data)
            if message is not None and _is_end(message):
                why = "The Python process ended unexpectedly."
                break
            if message is not None:
                take(message)
        take(KernelMessage("", GONE, "", why.encode()))

    def _request_quick_acknowledgement(self) -> None:
        """Asks the system to acknowledge messages at once. The gateway holds a message back until
        the one before it is acknowledged, which takes 40 ms where nothing is sent the other way.
        The system forgets this option soon, so it is set again for each message.
        """
        connection = self._socket.get_extra_info("socket")
        if connection is not None and _QUICK_ACKNOWLEDGE is not None:
            with suppress(OSError):  # it has just been closed, which the reading will tell
                connection.setsockopt(socket.IPPROTO_TCP, _QUICK_ACKNOWLEDGE, 1)

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})
        await self._socket.close()


def _message(said: bytes) -> KernelMessage | None:
    """Returns a message; None if it is none of Jupyter's."""
    try:
        envelope = msgspec.json.decode(said, type=_Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return KernelMessage(
        envelope.channel,
        envelope.header.msg_type,
        envelope.parent_header.msg_id,
        bytes(envelope.content),
    )


def _is_end(message: KernelMessage) -> bool:
    """Returns true if the gateway says that the kernel's process has ended, and another begins."""
    if (message.channel, message.kind, message.parent) != ("iopub", "status", ""):
        return False
    try:
        status = msgspec.json.decode(message.content, type=Status)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return status.execution_state in ("restarting", "autorestarting", "dead")
