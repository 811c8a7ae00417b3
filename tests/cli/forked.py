"""`perdure` commands that a process forks which has imported what they import."""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TextIO

_ROOT = Path(__file__).parents[2]


class Forked:
    """A running command; as far as it goes, a `subprocess.Popen` with texts.

    `stdin`, `stdout`, `stderr`: our ends of the pipes, None where the command has another file.
    """

    def __init__(
        self,
        arguments: list[str],
        *,
        cwd: Path | None,
        env: Mapping[str, str],
        stdin: int = subprocess.PIPE,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
    ) -> None:
        """Starts it. `stdin`, `stdout`, `stderr`: open files, or `subprocess.PIPE`."""
        opened: list[int] = []
        ours: list[TextIO | None] = []
        files = [stdin, stdout, stderr]
        for number, file in enumerate(files):
            ours.append(None)
            if file == subprocess.PIPE:
                read, write = os.pipe()
                files[number], mine = (write, read) if number else (read, write)
                opened.append(files[number])
                ours[number] = os.fdopen(mine, "r" if number else "w")
        self._status, status = os.pipe()
        order = {"arguments": arguments, "cwd": str(cwd or Path.cwd()), "environment": dict(env)}
        try:
            self.pid = _forking().start(order, [*files, status])
        finally:
            for file in (*opened, status):
                os.close(file)
        self.returncode: int | None = None
        self.stdin, self.stdout, self.stderr = ours

    def poll(self) -> int | None:
        """The exit code, or minus the signal; None while it runs."""
        self._look(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, or minus the signal. Raises `subprocess.TimeoutExpired`."""
        self._look(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("perdure", timeout or 0)
        return self.returncode

    def communicate(self, said: str = "", timeout: float | None = None) -> tuple[str, str]:
        """Says it on stdin, and waits for the end; what came on stdout and stderr."""
        with ThreadPoolExecutor(2) as threads:
            heard = [threads.submit(_read, file) for file in (self.stdout, self.stderr)]
            if self.stdin:
                with suppress(BrokenPipeError), self.stdin:
                    self.stdin.write(said)
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        return heard[0].result(), heard[1].result()

    def send_signal(self, how: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, how)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float | None) -> None:
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            self.returncode = int(os.read(self._status, 16))
            os.close(self._status)


def _read(file: TextIO | None) -> str:
    if file is None:
        return ""
    with file:
        return file.read()


class _Forking:
    """The process that forks, one for all tests of this one."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.fork_server", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=_ROOT,
            )

    def start(self, order: Mapping[str, object], files: list[int]) -> int:
        """The number of the new process."""
        with self._lock:
            socket.send_fds(self._control, [json.dumps(order).encode()], files)
            return int(self._control.recv(16))

    def stop(self) -> None:
        self._control.close()
        self._process.wait()


@cache
def _forking() -> _Forking:
    forking = _Forking()
    atexit.register(forking.stop)
    return forking
