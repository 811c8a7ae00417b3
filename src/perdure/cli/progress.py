"""Progress of a long command on stderr: a line that changes on a terminal, else one each ten
seconds.
"""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, TextColumn

from perdure.cli.terminal import tell

_PAUSE_SECONDS = 10.0


class LineProgress:
    """The number of lines and bytes so far, out of so many lines where that is known."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._lines = self._bytes = 0
        self._total: int | None = None
        self._began = self._told = time.monotonic()
        console = Console(stderr=True)
        self._is_live = console.is_terminal
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
            disable=not self._is_live,
        )
        self._task = self._progress.add_task(doing)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def add(self, lines: int, size: int = 0) -> None:
        """Counts lines and bytes."""
        self._lines += lines
        self._bytes += size
        self._show()

    def reach(self, lines: int, total: int) -> None:
        """Counts up to a number of lines of so many."""
        self._lines, self._total = lines, total
        self._show()

    def _show(self) -> None:
        now = time.monotonic()
        if not self._is_live and now - self._told < _PAUSE_SECONDS:
            return
        if self._is_live and now - self._told < 0.1:
            return
        self._told = now
        if self._is_live:
            self._progress.update(self._task, description=self._text(now))
        else:
            tell(self._text(now))

    def _text(self, now: float) -> str:
        of = f" of {self._total:,}" if self._total is not None else ""
        rate = self._lines / max(now - self._began, 0.001)
        size = f", {self._bytes / 1_000_000:,.1f} MB" if self._bytes else ""
        return f"{self._doing}: {self._lines:,}{of} objects{size}, {rate:,.0f} a second"
