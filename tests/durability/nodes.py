"""Server processes that are killed, stopped and started again, always on their own port."""

import asyncio
import json
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests import server_logs
from tests.cli.forked import Forked
from tests.cli.processes import clean
from tests.patience import PATIENCE_SECONDS

_LOOK_SECONDS = 0.05
# Short, so that a fault is over in seconds.
SETTINGS = {
    "PERDURE_LEASE_SECONDS": "1",
    "PERDURE_DRAIN_SECONDS": "0.2",
    "PERDURE_KEEP_ALIVE_SECONDS": "1",
    "PERDURE_LOG_FORMAT": "json",
}


class Node:
    """One `perdure serve`, which may be dead, stopped or alive."""

    def __init__(
        self,
        folder: Path,
        *flags: str,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.log = folder / "stderr.log"
        self._flags = flags
        self.environment = clean({**SETTINGS, **(environment or {})})
        self._process: Forked | subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Starts it and waits until it answers."""
        self._process = process = self._spawn()
        async with asyncio.timeout(PATIENCE_SECONDS), aiohttp.ClientSession() as session:
            while True:
                assert process.poll() is None, self.log.read_text()
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/health") as answer:
                        assert answer.status == 200
                        return
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(_LOOK_SECONDS)

    @property
    def arguments(self) -> list[str]:
        """The command that it runs."""
        data = str(self.folder / "data")
        return ["serve", "--port", str(self.port), "--data-dir", data, *self._flags]

    def _spawn(self) -> Forked | subprocess.Popen[bytes]:
        server_logs.note(self.log)
        with self.log.open("ab") as log:
            return Forked(
                self.arguments,
                stdin=0, stdout=1, stderr=log.fileno(), cwd=self.folder, env=self.environment,
            )  # fmt: skip

    def send(self, how: signal.Signals) -> None:
        """Sends it a signal."""
        assert self._process is not None
        self._process.send_signal(how)

    async def end(self, how: signal.Signals) -> int:
        """Sends it a signal and waits for its end; the exit code."""
        self.send(how)
        return await self.ended()

    async def restart(self, how: signal.Signals, *, after: float = 0) -> int:
        """Ends it and starts it again so many seconds later; the exit code."""
        code = await self.end(how)
        await asyncio.sleep(after)
        await self.start()
        return code

    async def hang(self, seconds: float) -> None:
        """Stops it for so long in the middle of what it does; it knows nothing of it."""
        self.send(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.send(signal.SIGCONT)

    async def ended(self) -> int:
        """Waits for its end; the exit code."""
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, PATIENCE_SECONDS)

    def lines(self) -> list[dict[str, Any]]:
        """The log lines so far."""
        return [
            json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")
        ]

    def bugs(self) -> list[str]:
        """Lines that no fault of ours explains."""
        return [
            line["event"]
            for line in self.lines()
            if line["event"]
            in ("turn_broke", "execution_broke", "request_broke", "ingestion_broke")
        ]

    def kill(self) -> None:
        """Ends it, however it is."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@contextmanager
def killed(nodes: Sequence[Node]) -> Iterator[None]:
    """Nothing of them is left at the end of the block."""
    try:
        yield
    finally:
        for node in nodes:
            node.kill()


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
