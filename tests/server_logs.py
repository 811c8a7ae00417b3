"""The logs of the servers that a test has started: their ends are shown where the test fails."""

from pathlib import Path

_TAIL_BYTES = 6_000

_logs: dict[Path, None] = {}


def note(log: Path) -> None:
    """Notes the log of a server of this test."""
    _logs[log] = None


def forget() -> None:
    """Forgets all of them: another test begins."""
    _logs.clear()


def tails() -> list[tuple[str, str]]:
    """The name of each log, and its last lines."""
    return [(f"{log.parent.name}/{log.name}", _tail(log)) for log in _logs if log.exists()]


def _tail(log: Path) -> str:
    text = log.read_bytes()
    last = text[-_TAIL_BYTES:].decode(errors="replace")
    return last if len(text) <= _TAIL_BYTES else f"…{last}"
