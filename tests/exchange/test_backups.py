"""A back-up is of one moment, beside a server at work, and comes back whole."""

import asyncio
import io
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perdure.commands import backups as leases
from perdure.commands import files
from perdure.engine.sweeper import Sweeper
from perdure.errors import ConfigurationError, Unavailable
from perdure.exchange import backups, restoration
from perdure.exchange.backups import BackupSource
from perdure.invariants import contents
from perdure.storage.blobs import DATABASE
from perdure.testing.manual_clock import ManualClock
from tests.commands.acts import PROJECT, START, Acts
from tests.databases import PostgresServer, binary_folders
from tests.exchange.filling import add_file, fill
from tests.exchange.places import Place, opened, violations


@pytest.fixture
def database_url() -> None:
    """Back-ups are of SQLite."""


def source_of(place: Place, clock: ManualClock | None = None) -> BackupSource:
    return BackupSource(
        place.data_dir, place.database, place.blobs, clock or ManualClock(START), "test"
    )


async def backed_up(place: Place, path: Path) -> Path:
    with path.open("wb") as out:
        await backups.write(source_of(place), out, scratch=path.parent)
    return path


async def exported(data_dir: Path, path: Path) -> bytes:
    place = await opened(None, data_dir)
    await place.export(path)
    assert await violations(place) == []
    strays = [each async for each in contents.check(place.blobs, place.snapshot)]
    assert strays == []
    await place.close()
    return (path / "objects.jsonl").read_bytes()


async def test_what_was_backed_up_comes_back(source: Place, tmp_path: Path) -> None:
    await fill(source)
    before = await source.export(tmp_path / "before")
    path = await backed_up(source, tmp_path / "a.tar")
    await Acts(source.database).thread("Not in the back-up")
    target = tmp_path / "target"
    restored = restoration.restore(str(path), target)
    assert (restored.before, restored.manifest.contents) == (None, 3)
    assert await exported(target, tmp_path / "after") == (before / "objects.jsonl").read_bytes()


async def test_it_replaces_what_was_there_and_keeps_that(source: Place, tmp_path: Path) -> None:
    await fill(source)
    path = await backed_up(source, tmp_path / "a.tar")
    want = (await source.export(tmp_path / "x") / "objects.jsonl").read_bytes()
    target = await opened(None, tmp_path / "target")
    await add_file(target, b"Of before")
    await Acts(target.database).thread("Of before")
    had = (await target.export(tmp_path / "had") / "objects.jsonl").read_bytes()
    await target.close()
    restored = restoration.restore(str(path), target.data_dir)
    assert restored.before is not None
    assert await exported(target.data_dir, tmp_path / "after") == want
    assert await exported(restored.before, tmp_path / "kept") == had


class _Watched(io.BytesIO):
    """What a back-up is written to: `on_write` is called in front of the first bytes."""

    def __init__(self, on_write: Callable[[], None]) -> None:
        super().__init__()
        self._on_write: Callable[[], None] | None = on_write

    def write(self, block: object) -> int:
        on_write, self._on_write = self._on_write, None
        if on_write is not None:
            on_write()
        return super().write(block)  # type: ignore[arg-type]


async def test_what_is_deleted_meanwhile_is_in_the_back_up(source: Place, tmp_path: Path) -> None:
    file_id = await add_file(source, b"Needed")
    clock, loop = ManualClock(START), asyncio.get_running_loop()
    sweeper = Sweeper(source.database, source.blobs, clock)

    async def delete_and_sweep() -> None:
        await source.database.write(files.delete, file_id, project=PROJECT, now=START)
        await sweeper.step()

    out = _Watched(
        # the database is written in a thread
        lambda: asyncio.run_coroutine_threadsafe(delete_and_sweep(), loop).result()
    )
    manifest = await backups.write(source_of(source, clock), out, scratch=tmp_path)
    assert (manifest.contents, manifest.damaged) == (1, [])
    (tmp_path / "a.tar").write_bytes(out.getvalue())
    restoration.restore(str(tmp_path / "a.tar"), tmp_path / "target")
    assert file_id.encode() in await exported(tmp_path / "target", tmp_path / "after")
    # It is over: what was doomed goes.
    await sweeper.step()
    assert [each async for each in source.blobs.default.all()] == []


async def test_nothing_is_deleted_while_a_lease_lives_and_a_dead_one_keeps_nothing(
    source: Place,
) -> None:
    file_id = await add_file(source, b"x")
    clock = ManualClock(START)
    sweeper = Sweeper(source.database, source.blobs, clock)
    await source.database.write(leases.begin, "backup_1", now=clock.now())
    await source.database.write(files.delete, file_id, project=PROJECT, now=START)
    await sweeper.step()
    assert len([each async for each in source.blobs.default.all()]) == 1
    clock.advance(leases.LEASE_SECONDS - 1)
    await source.database.write(leases.renew, "backup_1", now=clock.now())
    clock.advance(leases.LEASE_SECONDS - 1)
    await sweeper.step()
    assert len([each async for each in source.blobs.default.all()]) == 1
    clock.advance(2)
    await sweeper.step()
    assert [each async for each in source.blobs.default.all()] == []
    with pytest.raises(Unavailable, match="too long"):
        await source.database.write(leases.renew, "backup_1", now=clock.now())


async def test_a_back_up_that_lost_its_lease_has_no_end(source: Place, tmp_path: Path) -> None:
    await fill(source)
    clock = ManualClock(START)
    out = _Watched(lambda: clock.advance(leases.LEASE_SECONDS + 1))
    with pytest.raises(Unavailable, match="too long"):
        await backups.write(source_of(source, clock), out, scratch=tmp_path)
    (tmp_path / "a.tar").write_bytes(out.getvalue())
    with pytest.raises(ConfigurationError):
        restoration.restore(str(tmp_path / "a.tar"), tmp_path / "target")
    assert not (tmp_path / "target" / "perdure.db").exists()


async def test_a_content_whose_bytes_are_gone_is_named(source: Place, tmp_path: Path) -> None:
    await fill(source)
    lost = next(iter((source.data_dir / "blobs").rglob("blob_*")))
    lost.unlink()
    out = io.BytesIO()
    manifest = await backups.write(source_of(source), out, scratch=tmp_path)
    assert manifest.damaged == [lost.name]


async def test_a_damaged_back_up_is_refused_and_changes_nothing(
    source: Place, tmp_path: Path
) -> None:
    await add_file(source, b"content")
    whole = (await backed_up(source, tmp_path / "a.tar")).read_bytes()
    target = tmp_path / "target"
    restoration.restore(str(tmp_path / "a.tar"), target)
    was = (target / "perdure.db").read_bytes()
    end = len(whole) - whole[::-1].index(b"}") // 512 * 512
    cuts = range(0, end - 1024, max(end // 20, 1))
    spoilt = [whole[:size] for size in cuts]
    at = whole.index(b"content")
    spoilt.append(whole[:at] + b"kontent" + whole[at + 7 :])
    spoilt.append(whole.replace(b"SQLite format 3", b"SQLite format 4"))
    for each in spoilt:
        (tmp_path / "bad.tar").write_bytes(each)
        with pytest.raises(ConfigurationError):
            restoration.restore(str(tmp_path / "bad.tar"), target)
        assert (target / "perdure.db").read_bytes() == was
        assert not [path for path in target.iterdir() if path.name.startswith("before")]
        assert not (target / "restoring").exists()


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    asyncio.run(_newer(tmp_path))
    with pytest.raises(ConfigurationError, match="newer version"):
        restoration.restore(str(tmp_path / "a.tar"), tmp_path / "target")


async def _newer(tmp_path: Path) -> None:
    place = await opened(None, tmp_path / "source")
    with sqlite3.connect(tmp_path / "source" / "perdure.db") as file:
        file.execute("INSERT INTO schema_migrations VALUES ('9999_later')")
    file.close()
    await backed_up(place, tmp_path / "a.tar")
    await place.close()


def _restore_killed(path: Path, data_dir: Path, *, at: int) -> bool:
    """Restores in a process of its own, which ends before the change number `at` of a name in the
    file system. Returns False if it was killed.
    """
    pid = os.fork()
    if pid == 0:
        left = at

        def count(event: str, _: object) -> None:
            nonlocal left
            if event in ("os.rename", "os.link", "os.remove", "os.mkdir"):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(count)
            restoration.restore(str(path), data_dir)
        except BaseException:  # the parent sees the exit code
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def test_a_restoration_that_was_killed_anywhere_is_started_again(tmp_path: Path) -> None:
    want, had = asyncio.run(_two_places(tmp_path))
    kills = 0
    for at in range(1, 200):
        target = tmp_path / f"target-{at}"
        shutil.copytree(tmp_path / "old", target)
        if _restore_killed(tmp_path / "a.tar", target, at=at):
            break
        kills += 1
        asyncio.run(_is_one_of(target, want, had))
        restoration.restore(str(tmp_path / "a.tar"), target)
        assert asyncio.run(exported(target, tmp_path / f"after-{at}")) == want
    assert kills > 10


async def _two_places(tmp_path: Path) -> tuple[bytes, bytes]:
    """Makes a back-up, and an older place; what each exports."""
    place = await opened(None, tmp_path / "source")
    await fill(place)
    await backed_up(place, tmp_path / "a.tar")
    want = (await place.export(tmp_path / "want") / "objects.jsonl").read_bytes()
    await place.close()
    old = await opened(None, tmp_path / "old")
    await add_file(old, b"Of before")
    had = (await old.export(tmp_path / "had") / "objects.jsonl").read_bytes()
    await old.close()
    return want, had


async def _is_one_of(data_dir: Path, want: bytes, had: bytes) -> None:
    """The database is the old one or the new one, and whole."""
    place = await opened(None, data_dir)
    assert await violations(place) == []
    with place.snapshot() as tx:
        found = [row["id"].encode() for row in tx.all("exports.files", **_ALL)]
    assert all(each in want for each in found) or all(each in had for each in found)
    assert found
    await place.close()


_ALL = {"project": None, "after": 0, "limit": 100}


async def test_a_dump_of_postgres_is_whole(
    postgres_server: PostgresServer, postgres_url: str, tmp_path: Path
) -> None:
    """With PostgreSQL, where contents are in the database too, pg_dump is the back-up."""
    place = await opened(postgres_url, tmp_path / "data", with_contents=True)
    assert place.blobs.location == DATABASE
    await fill(place)
    before = (await place.export(tmp_path / "before") / "objects.jsonl").read_bytes()
    name = postgres_server.create(template="template0")
    await asyncio.to_thread(_dump_and_restore, postgres_url, postgres_server.url(name), tmp_path)
    await place.close()
    again = await opened(postgres_server.url(name), tmp_path / "elsewhere", with_contents=True)
    assert await violations(again) == []
    after = (await again.export(tmp_path / "after") / "objects.jsonl").read_bytes()
    await again.close()
    assert b'"sha256":' in before
    assert after == before
    postgres_server.drop(name)


def _dump_and_restore(url: str, other: str, folder: Path) -> None:
    binaries = next(path for path in binary_folders() if (path / "pg_dump").exists())
    dump = folder / "dump"
    commands = (
        [binaries / "pg_dump", "--format=custom", f"--file={dump}", url],
        [binaries / "pg_restore", "--no-owner", f"--dbname={other}", dump],
    )
    for command in commands:
        subprocess.run([str(each) for each in command], check=True, capture_output=True)
