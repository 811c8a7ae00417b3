"""An import that is killed after any of its commits goes on when it is started again."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from perdure.commands.imported_objects import ImportOptions
from perdure.exchange import archives, importer
from perdure.exchange.targets import DatabaseTarget
from perdure.storage.database import Database, Transaction
from perdure.testing.manual_clock import ManualClock
from tests.exchange.filling import fill
from tests.exchange.places import NOW, opened, violations

P = ParamSpec("P")
T = TypeVar("T")

# More than there are commits.
_MOST = 300


class _Killing:
    """A database whose process ends at once when so many of its writes are committed."""

    def __init__(self, database: Database, writes: int) -> None:
        self._database = database
        self._left = writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def write(
        self, command: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        result = await self._database.write(command, *args, **kwargs)
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


async def _import(url: str | None, data_dir: Path, path: Path, *, writes: int) -> None:
    place = await opened(url, data_dir)
    database: Any = _Killing(place.database, writes)
    with archives.open_to_read(str(path)) as archive:
        options = ImportOptions(NOW, fills_gaps=False)
        target = DatabaseTarget(database, place.blobs, ManualClock(NOW), options)
        result = await importer.run(archive, target)
    assert result.tally.failures == []
    await place.close()


def _in_a_process(url: str | None, data_dir: Path, path: Path, *, writes: int) -> bool:
    """Imports in a process of its own. Returns False if it was killed."""
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(_import(url, data_dir, path, writes=writes))
        except BaseException:  # the parent sees the exit code
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


async def _prepare(folder: Path) -> Path:
    place = await opened(None, folder / "source")
    await fill(place)
    path = await place.export(folder / "exported")
    await place.close()
    return path


async def _check(url: str | None, data_dir: Path) -> None:
    place = await opened(url, data_dir)
    assert await violations(place) == []
    await place.close()


async def _exported(url: str | None, data_dir: Path, path: Path) -> bytes:
    place = await opened(url, data_dir)
    await place.export(path)
    await place.close()
    return (path / "objects.jsonl").read_bytes()


def test_an_import_goes_on_after_a_kill_at_any_commit(
    target_url: str | None, tmp_path: Path
) -> None:
    path = asyncio.run(_prepare(tmp_path))
    data_dir = tmp_path / "target"
    kills = 0
    for writes in range(1, _MOST):
        if _in_a_process(target_url, data_dir, path, writes=writes):
            break
        kills += 1
        asyncio.run(_check(target_url, data_dir))
    assert kills > 20
    killed = asyncio.run(_exported(target_url, data_dir, tmp_path / "killed"))
    once = tmp_path / "once"
    assert _in_a_process(None, once, path, writes=_MOST)
    assert killed == asyncio.run(_exported(None, once, tmp_path / "again"))
