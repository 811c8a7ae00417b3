"""A load on some servers, with faults meanwhile, and the verdict when all has ended."""

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from perdure.invariants import Violation
from perdure.wire.base import decode, encode
from tests.durability import verdict
from tests.durability.load import Load
from tests.durability.nodes import Node, killed
from tests.patience import PATIENCE_SECONDS, until

_LOOK_SECONDS = 0.1


class Campaign:
    """Within the block the load goes on; the caller makes the faults, at moments that are counted
    in runs: how many seconds those take depends on the machine.

    At its end nothing new is begun, every run must come to its end before the patience of the
    tests does, and what is stored is judged: `runs` counts the runs, `wrong` is what was found.
    """

    def __init__(
        self, nodes: Sequence[Node], *, seed: int, clients: int, url: str | None = None
    ) -> None:
        self.load = Load([node.url for node in nodes], seed=seed, clients=clients)
        self.runs = 0
        self.wrong: list[Violation] = []
        self._nodes = list(nodes)
        self._url = url
        self._killed = killed(self._nodes)
        self._working: asyncio.Task[None] | None = None

    @property
    def findings(self) -> str:
        """What was found, a line each."""
        return "\n".join(f"{found.id} {found.text}" for found in self.wrong)

    @property
    def data_dir(self) -> Path:
        """The data folder of the first node, where SQLite's file is."""
        return self._nodes[0].folder / "data"

    async def __aenter__(self) -> Self:
        self._killed.__enter__()
        try:
            await asyncio.gather(*(node.start() for node in self._nodes))
        except BaseException:
            self._killed.__exit__(None, None, None)
            raise
        self._working = asyncio.create_task(self.load.run(), name="load")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._working is not None
        try:
            if error is None:
                await self._settle(self._working)
        finally:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)
            await self.load.client.close()
            self._killed.__exit__(kind, error, trace)

    async def join(self, node: Node) -> None:
        """One more server, which is started and gets its share of the load."""
        self._nodes.append(node)
        await node.start()
        self.load.client.add(node.url)

    async def leave(self, node: Node) -> None:
        """A server gets no more of the load, and is told to end."""
        self.load.client.remove(node.url)
        code = await node.end(signal.SIGTERM)
        assert code == 0, node.log.read_text()

    async def progress(self, runs: int) -> None:
        """Waits until so many more runs have ended."""
        working, wanted = self._working, self.load.ended.total() + runs
        assert working is not None
        await until(lambda: working.done() or self.load.ended.total() >= wanted)

    async def _settle(self, working: asyncio.Task[None]) -> None:
        """Lets everything end, and judges it."""
        self.load.stop()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await working
                await self._finish_unheard()
        except TimeoutError:
            pass  # the verdict names the runs that did not end
        self.runs, self.wrong = await asyncio.to_thread(
            verdict.judge, self._url, self.data_dir, self.load
        )
        for node in self._nodes:
            self.wrong += [Violation(str(node.folder), f"logged {line}") for line in node.bugs()]

    async def _finish_unheard(self) -> None:
        """Ends the runs of which no client ever heard, because the answer was lost."""
        while left := await asyncio.to_thread(verdict.unfinished, self._url, self.data_dir):
            for run in left:
                await self.load.finish(decode(encode(run), dict))
            await asyncio.sleep(_LOOK_SECONDS)
