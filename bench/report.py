"""The figures as a table, with what they were measured on."""

import os
import platform
import sqlite3
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import NamedTuple

import psutil

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


class Machine:
    """The machine while the measures run: what else it did meanwhile is noise in the figures."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._others = self._others_seconds()

    def described(self) -> str:
        """Date, machine, the work of other programs since the start, and versions.

        To be asked for when the measured servers have ended: what they used is known then.
        """
        others = self._others_seconds() - self._others
        cores = others / (time.monotonic() - self._began)
        versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
        return (
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {platform.system()} {platform.machine()}, "
            f"{os.cpu_count()} cores ({_processor()}), of which other programs used {cores:.2f} "
            f"meanwhile; Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
            f"{versions}."
        )

    def _others_seconds(self) -> float:
        """CPU time of all programs, less that of this process and of those that it waited for."""
        everybody = psutil.cpu_times()
        own, ended = getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)
        ours = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
        return everybody.user + everybody.system - ours


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
