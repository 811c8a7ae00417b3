"""Messages at the start of a server: a line for each fact for people, one entry in the log for
machines.
"""

import sys
from typing import Protocol

import structlog
from rich.console import Console

import perdure
from perdure.cli.terminal import fold, line, width_of

_log = structlog.get_logger(__name__)

# Before what is said of a thing stands its name.
_INDENT = 12


class Banner(Protocol):
    """Takes the messages at the start; each has a name."""

    def row(self, name: str, said: str) -> None:
        """Adds a fact."""
        ...

    def warn(self, name: str, said: str) -> None:
        """Adds a problem that the operator should solve."""
        ...

    def end(self) -> None:
        """Ends the banner."""
        ...


def begin(url: str, *, as_json: bool) -> Banner:
    """Returns the banner of a server that answers at this URL."""
    return _Logged(url) if as_json else _Printed(url)


class _Printed:
    """Lines on stderr."""

    def __init__(self, url: str) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
        said = f"Perdure {perdure.__version__} answers at {url}/v1"
        self._console.print(line(said), style="bold green")

    def row(self, name: str, said: str, *, style: str = "") -> None:
        first, *more = fold(line(said), width_of(sys.stderr), indent=_INDENT)
        self._console.print(f"  {name:<9} {first}", style=style)
        for row in more:
            self._console.print(f"{'':{_INDENT}}{row}", style=style)

    def warn(self, name: str, said: str) -> None:
        self.row(name, said, style="bold yellow")

    def end(self) -> None:
        self.row("Stop", "Ctrl-C")


class _Logged:
    """One line of the log for all facts, and one for each warning."""

    def __init__(self, url: str) -> None:
        self._fields: dict[str, object] = {"version": perdure.__version__, "url": f"{url}/v1"}
        self._rows: dict[str, list[str]] = {}

    def row(self, name: str, said: str) -> None:
        self._rows.setdefault(name.lower().replace(" ", "_"), []).append(said)

    def warn(self, name: str, said: str) -> None:
        _log.warning("server_start_warning", about=name, text=said)

    def end(self) -> None:
        _log.info("server_started", **self._fields, **self._rows)
