"""The relay between the kernel and the host: one request at a time, answered in frames.

Untrusted code runs beside it as the same user and may take it over, so the host trusts it no more
than the kernel; the limits on output that are kept here only save work.
"""

import contextlib
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NoReturn

import zmq
from jupyter_client.blocking.client import BlockingKernelClient

from . import messages
from .files import DATA, is_whole, list_files, open_below
from .host import BLOCK_BYTES, Host
from .tally import Tally

CONNECTION = "/run/kernel.json"
# Code that loads what most code needs, before it is needed: imports, a first figure, a first
# traceback. Names that this binds are its own.
WARM = (
    """exec('''
import numpy, pandas, matplotlib.pyplot as plt
plt.figure().text(0, 0, "warm")
plt.show()
''', {})""",
    "raise KeyboardInterrupt",
)

FLUSH = """exec("import os; mark = b'%s'; os.write(1, mark); os.write(2, mark)", {})"""
# the code may have closed its streams
SETTLE_SECONDS = 0.5

Message = dict[str, object]


class Relay:
    """Serves the host, one request at a time."""

    def __init__(self, host: Host, kernel: int, limits: dict[str, int]) -> None:
        self.host = host
        self.kernel = kernel
        self.limits = limits
        self.client = BlockingKernelClient(connection_file=CONNECTION)
        self.client.load_connection_file()
        self.client.start_channels(stdin=False, hb=False)
        self.shell = self.client.shell_channel.socket
        self.iopub = self.client.iopub_channel.socket
        self.ended = os.pidfd_open(kernel)
        self.poller = zmq.Poller()
        for source in (self.shell, self.ended):
            self.poller.register(source, zmq.POLLIN)

    def wait_for_kernel(self, warm: bool) -> None:
        """Waits until the kernel answers; `warm`: and has imported what most code imports."""
        while True:
            # what a kernel says before we have subscribed is lost: ask until something comes
            asked = self.client.kernel_info()
            while self._reply(asked) is None:
                pass
            if self.iopub.poll(50):
                break
        for code in WARM if warm else ():
            asked = self.client.execute(code, store_history=False, allow_stdin=False)
            while (reply := self._reply(asked)) is None:
                pass
            if reply["status"] != "ok" and reply.get("ename") != "KeyboardInterrupt":
                raise RuntimeError(reply["traceback"])
        # what is still to come belongs to no execution, and is passed over
        for source in (self.host.link, self.iopub):
            self.poller.register(source, zmq.POLLIN)

    def _reply(self, asked: str) -> Message | None:
        ready = dict(self.poller.poll())
        if self.ended in ready:
            self.say_lost()
        if self.shell in ready:
            parent, message = self._parent(self.shell)
            if parent == asked and isinstance(message["content"], dict):
                return message["content"]
        return None

    def serve(self) -> NoReturn:
        answers: dict[str, Callable[[Message], None]] = {
            "execute": lambda asked: self.execute(str(asked["code"])),
            "put": lambda asked: self.put(str(asked["name"])),
            "get": lambda asked: self.get(str(asked["name"]), asked["most"]),
            "files": lambda _: self.files(),
            # the code had ended when the host sent it
            "interrupt": lambda _: None,
        }
        self.host.send_frame(type="ready")
        while True:
            self._wait(self.host.link)
            asked = self.host.receive_frame()
            answers[asked["op"]](asked)

    def _wait(self, wanted: socket.socket) -> None:
        """Waits until the host asks. Output of threads between executions is dropped."""
        while True:
            ready = dict(self.poller.poll())
            if self.ended in ready:
                self.say_lost()
            for channel in (self.iopub, self.shell):
                if channel in ready:
                    self.client.session.recv(channel, zmq.NOBLOCK)
            if wanted.fileno() in ready:
                return

    def say_lost(self) -> NoReturn:
        _, status = os.waitpid(self.kernel, 0)
        code = os.waitstatus_to_exitcode(status)
        why = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        self.host.send_frame(type="lost", text=f"The Python process ended, {why}.")
        sys.exit(0)

    def execute(self, code: str) -> None:
        asked = self.client.execute(code, allow_stdin=False, stop_on_error=False)
        tally = Tally(
            text_bytes=self.limits["text_bytes"],
            images=self.limits["images"],
            image_bytes=self.limits["image_bytes"],
        )
        replied, idle, late = False, False, 0
        while not (replied and idle):
            ready = dict(self.poller.poll(500))
            # the kernel drops messages when too many wait, and the one that says idle may be so
            late = late + 1 if replied and not ready else 0
            if self.ended in ready:
                self.say_lost()
            if self.host.link.fileno() in ready:
                self.host.receive()  # the host has nothing else to say now
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.kernel, signal.SIGINT)
            if self.shell in ready:
                replied = self._parent(self.shell)[0] == asked or replied
            if self.iopub in ready:
                parent, message = self._parent(self.iopub)
                if parent == asked:
                    idle = self.forward(message, tally)
            if late > 2:
                break
        self.settle(asked, tally)
        self._send(messages.rest(tally))
        self.host.send_frame(type="end")

    def settle(self, asked: str, tally: Tally) -> None:
        """Passes on the output of programs that comes after the end of the code. It goes through
        two pipes: a mark is sent behind it, and everything before the mark is passed on.
        """
        mark = secrets.token_hex()
        flush = self.client.execute(FLUSH % mark, silent=True, allow_stdin=False)
        waiting = {"stdout", "stderr"}
        until = time.monotonic() + SETTLE_SECONDS
        while waiting and (left := until - time.monotonic()) > 0:
            ready = dict(self.poller.poll(int(left * 1000)))
            if self.ended in ready:
                self.say_lost()
            if self.host.link.fileno() in ready:
                self.host.receive()  # an interrupt, and there is nothing to interrupt
            if self.shell in ready:
                parent, message = self._parent(self.shell)
                if parent == flush and not is_ok(message):
                    return
            if self.iopub in ready:
                parent, message = self._parent(self.iopub)
                if parent in (asked, flush):
                    waiting.discard(self._before(mark, message, tally))

    def _before(self, mark: str, message: Message, tally: Tally) -> str:
        """Passes on the output before the mark. Returns the name of the stream that the mark
        is in.
        """
        match message:
            case {"msg_type": "stream", "content": {"name": str(name), "text": str(text)}}:
                before, found, _ = text.partition(mark)
                if name in ("stdout", "stderr") and before:
                    self._send(messages.texts(name, before, tally))
                return name if found else ""
        return ""

    def _parent(self, channel: zmq.Socket[bytes]) -> tuple[object, Message]:
        """Receives a message. Returns the id of the request that it belongs to, and the message."""
        _, message = self.client.session.recv(channel, zmq.NOBLOCK)
        if message is None:
            return None, {}
        return message["parent_header"].get("msg_id"), message

    def forward(self, message: Message, tally: Tally) -> bool:
        """Passes a message on. Returns true if it says that the kernel has done all."""
        kind, content = message.get("msg_type"), message.get("content")
        self._send(messages.outputs(kind, content, tally))
        return messages.is_idle(kind, content)

    def _send(self, frames: Iterable[Mapping[str, str]]) -> None:
        for frame in frames:
            self.host.send_frame(**frame)

    def put(self, name: str) -> None:
        problem = ""
        try:
            with contextlib.suppress(FileNotFoundError):
                Path(DATA, name).unlink()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.fdopen(os.open(f"{DATA}/{name}", flags, 0o644), "wb", buffering=0)
        except OSError as error:
            file, problem = open(os.devnull, "wb", buffering=0), error.strerror or ""  # noqa: PTH123, SIM115
        with file:
            while block := self.host.receive_block():
                try:
                    while block and not problem:
                        block = block[file.write(block) or 0 :]
                except OSError as error:
                    problem = error.strerror or ""
        if problem or block is None:
            with contextlib.suppress(OSError):
                Path(DATA, name).unlink()
        if problem:
            self.host.send_frame(type="problem", text=problem)
        else:
            self.host.send_frame(type="done")

    def files(self) -> None:
        found, left_out = list_files(self.limits["files"], is_whole)
        self.host.send_frame(type="files", files=found, left_out=left_out)

    def get(self, name: str, most: object) -> None:
        try:
            file = open_below(name)
        except OSError as error:
            self.host.send_frame(type="problem", text=error.strerror)
            return
        with os.fdopen(file, "rb", buffering=0) as source:
            if not is_whole(os.fstat(file)):
                self.host.send_frame(type="problem", text="It is not a plain file")
                return
            left = int(str(most))
            while left and (block := source.read(min(BLOCK_BYTES, left))):
                left -= len(block)
                self.host.send(block)
        self.host.send_frame(type="done")


def is_ok(message: Message) -> bool:
    """Returns true if a reply says that the code ran to its end."""
    match message:
        case {"content": {"status": "ok"}}:
            return True
    return False
