"""The figures as a table, with what they were measured on."""

import os
import platform
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

_PACKAGES = (
    *("perdure", "uvicorn", "uvloop", "starlette", "aiohttp", "msgspec"),
    *("fastapi", "pydantic", "openai"),
)


class Row(NamedTuple):
    """A line of the table; `met` is None where nothing was expected."""

    measure: str
    measured: str
    expected: str = ""
    met: bool | None = None


def table(rows: Iterable[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| Measure | Measured | Expected | |", "|---|---|---|---|"]
    for row in rows:
        verdict = {None: "", True: "met", False: "**missed**"}[row.met]
        lines.append(f"| {row.measure} | {row.measured} | {row.expected} | {verdict} |")
    return "\n".join(lines)


def circumstances(*, load_before: float) -> str:
    """Date, machine, load and versions."""
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores ({_processor()})"
    load = f"load average {load_before:.1f} before and {os.getloadavg()[0]:.1f} after"
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {system}; {load}; "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}."
    )


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
