"""Import and export of a million messages, by the commands: how fast, and in how much memory."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from bench.report import Row
from perdure.wire.exchange import ExportMark, Manifest, write
from perdure.wire.messages import Message, TextContent, TextPart
from perdure.wire.threads import Thread

_MESSAGES, _ON_A_THREAD = 1_000_000, 10
_TEXT = "A message of some two hundred characters, as people write them to each other. " * 3
_MOST_MB = 200
_LEAST = {"SQLite": 5_000}
_LEAST_ELSEWHERE = 3_000
_PROJECT = "proj_default"


class _Done(NamedTuple):
    """A command that has ended: its seconds, and the most memory that it had, in MB."""

    seconds: float
    megabytes: float


async def rows(urls: Mapping[str, str | None]) -> list[Row]:
    """The lines of the table, for each database; a URL that is None is SQLite's."""
    found: list[Row] = []
    with TemporaryDirectory(prefix="perdure-bench-") as held:
        folder = Path(held)
        await asyncio.to_thread(_make, folder / "made")
        for number, (name, url) in enumerate(urls.items()):
            where = ["--data-dir", str(folder / f"data-{number}")]
            where += ["--database-url", url] if url else []
            imported = await _run("import", folder / "made", *where)
            exported = await _run("export", folder / f"out-{number}", *where)
            found += _of(f"import of a million messages, {name}", imported, name)
            found += _of(f"export of a million messages, {name}", exported, None)
    return found


def _of(measure: str, done: _Done, database: str | None) -> list[Row]:
    rate = _MESSAGES / done.seconds
    least = _LEAST.get(database, _LEAST_ELSEWHERE) if database else None
    return [
        Row(
            f"{measure}: messages a second",
            f"{rate:,.0f}",
            f"{least:,} or more" if least else "",
            rate >= least if least else None,
        ),
        Row(
            f"{measure}: most memory",
            f"{done.megabytes:.0f} MB",
            f"{_MOST_MB} MB at most",
            done.megabytes <= _MOST_MB,
        ),
    ]


async def _run(*arguments: str | Path) -> _Done:
    """Runs a command, and waits for it as its parent, which is told what it used."""
    began = time.monotonic()
    pid = await asyncio.to_thread(
        os.posix_spawn,
        sys.executable,
        [sys.executable, "-m", "perdure", *map(str, arguments)],
        os.environ,
    )
    _, status, used = await asyncio.to_thread(os.wait4, pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"perdure {arguments[0]} ended with {status}")
    return _Done(time.monotonic() - began, used.ru_maxrss / 1024)


def _make(folder: Path) -> None:
    (folder / "files").mkdir(parents=True)
    digest = sha256()
    with (folder / "objects.jsonl").open("wb") as file:
        for number in range(_MESSAGES // _ON_A_THREAD):
            lines = _thread(number)
            digest.update(lines)
            file.write(lines)
    manifest = Manifest(created_at=1, objects_sha256=digest.hexdigest())
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))


def _thread(number: int) -> bytes:
    thread = Thread(id=f"thread_{number}", created_at=number)
    lines = [write(thread, ExportMark(seq=number + 1, project=_PROJECT))]
    for place in range(_ON_A_THREAD):
        seq = number * _ON_A_THREAD + place + 1
        message = Message(
            id=f"msg_{seq}",
            created_at=number,
            completed_at=number,
            thread_id=thread.id,
            role="assistant" if place % 2 else "user",
            content=[TextPart(text=TextContent(value=_TEXT))],
        )
        lines.append(write(message, ExportMark(seq=seq, project=_PROJECT)))
    return b"".join(lines)
