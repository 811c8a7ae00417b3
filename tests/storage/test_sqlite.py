"""What only SQLite promises: one process, one folder, no power cut loses a write."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perdure.bus.memory import MemoryBus
from perdure.errors import ConfigurationError, Unavailable
from perdure.storage.database import Transaction
from perdure.storage.sqlite import SQLite
from tests.storage.rows import add_thread, has_thread, held, start

UNAVAILABLE = r"^The database is not available right now; please try again\.$"

# Writes, says so, and waits to be killed.
WRITER = """
import asyncio, sys
from pathlib import Path
from perdure.bus.memory import MemoryBus
from perdure.storage.sqlite import SQLite
from tests.storage.rows import add_thread

async def main():
    database = SQLite(Path(sys.argv[1]), bus=MemoryBus())
    await database.open()
    await database.write(add_thread, "thread_1")
    print("written", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def file(data_dir: Path) -> Path:
    return data_dir / "perdure.db"


@contextmanager
def writer(file: Path) -> Iterator[None]:
    """A process that has written and keeps the file open, until it is killed."""
    command = [sys.executable, "-c", WRITER, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        yield
        process.kill()


def write_notes(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("These are my notes; they are not a database.\n" * 100)


def damage(file: Path) -> None:
    """Makes noise of all but the head of the file."""
    size = file.stat().st_size
    with file.open("r+b") as raw:
        raw.seek(100)
        raw.write(b"\xa5" * (size - 100))


async def refusal(path: Path) -> str:
    """Why the file is not opened, in one sentence."""
    with pytest.raises(ConfigurationError) as refused:
        await SQLite(path, bus=MemoryBus()).open()
    sentence = str(refused.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


async def test_a_data_folder_has_one_process(file: Path) -> None:
    first = SQLite(file, bus=MemoryBus())
    await first.open()
    assert first.exclusive
    assert await refusal(file) == (
        f"The data folder {file.parent} is in use by another perdure process."
    )
    await first.close()
    await first.open()
    await first.close()


async def test_a_killed_process_leaves_its_writes_and_no_lock(file: Path) -> None:
    with writer(file):
        assert "in use by another perdure process" in await refusal(file)
    database = SQLite(file, bus=MemoryBus())
    await database.open()
    assert await database.read(has_thread, "thread_1")
    await database.close()


async def test_a_commit_is_on_the_disk_when_it_returns(file: Path) -> None:
    """Settings that a power cut would make us regret losing."""
    database = SQLite(file, bus=MemoryBus())
    await database.open()
    assert database._writer is not None
    connection = database._writer._connection._connection  # type: ignore[attr-defined]
    settings = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    }
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }
    await database.close()


@pytest.fixture
def no_umask() -> Iterator[None]:
    """As if the user let others do everything with new files."""
    before = os.umask(0)
    yield
    os.umask(before)


def _open_to_all(folder: Path) -> None:
    for name in ("perdure.db", "perdure.db-wal", "perdure.db-shm"):
        (folder / name).touch()
        (folder / name).chmod(0o644)
    folder.chmod(0o777)


def _modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.glob("perdure.db*")}


@pytest.mark.usefixtures("no_umask")
@pytest.mark.parametrize("old", [False, True], ids=["new", "of an older release"])
async def test_the_files_are_their_owners_alone_in_a_folder_that_was_there(
    tmp_path: Path, old: bool
) -> None:
    file = tmp_path / "perdure.db"
    if old:
        before = SQLite(file, bus=MemoryBus())
        await before.open()
        await before.write(add_thread, "thread_1")
        await before.close()
        _open_to_all(tmp_path)
    database = SQLite(file, bus=MemoryBus())
    await database.open()
    await database.write(add_thread, "thread_2")
    modes = _modes(tmp_path)
    await database.close()
    assert modes == dict.fromkeys(("perdure.db", "perdure.db-wal", "perdure.db-shm"), 0o600)


async def test_the_data_folder_is_made_for_its_owner_only(file: Path) -> None:
    database = SQLite(file, bus=MemoryBus())
    await database.open()
    assert file.parent.stat().st_mode & 0o777 == 0o700
    await database.close()
    assert sorted(path.name for path in file.parent.iterdir()) == ["perdure.db", "perdure.lock"]


async def test_a_file_in_the_place_of_the_data_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert await refusal(tmp_path / "data" / "perdure.db") == (
        f"The data folder {tmp_path}/data cannot be written: File exists."
    )


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert await refusal(tmp_path / "file" / "data" / "perdure.db") == (
        f"The data folder {tmp_path}/file/data cannot be written: Not a directory."
    )


@pytest.mark.skipif(sys.platform != "linux", reason="no folder here that nobody can write")
async def test_a_folder_that_cannot_be_written_is_named() -> None:
    """For the superuser too: nobody makes files there."""
    assert await refusal(Path("/sys/kernel/perdure.db")) == (
        "The data folder /sys/kernel cannot be written: Permission denied."
    )


async def test_a_file_that_is_no_database_is_named(file: Path) -> None:
    write_notes(file)
    assert await refusal(file) == (
        f"The database file {file} cannot be opened: file is not a database."
    )


async def test_a_refusal_leaves_no_lock(file: Path) -> None:
    write_notes(file)
    await refusal(file)
    database = SQLite(file.with_name("another.db"), bus=MemoryBus())
    await database.open()
    await database.close()


async def test_a_damaged_file_is_named(file: Path) -> None:
    database = SQLite(file, bus=MemoryBus())
    await database.open()
    await database.close()
    damage(file)
    assert await refusal(file) == (
        f"The database file {file} cannot be opened: database disk image is malformed."
    )


def write_much(tx: Transaction) -> int:
    return tx.run("threads.insert", id="thread_2", project="p", body="x" * 10_000_000)


async def test_when_the_disk_is_full_only_who_needs_room_is_refused(file: Path) -> None:
    database = SQLite(file, bus=MemoryBus())
    await database.open()
    assert database._writer is not None
    connection = database._writer._connection._connection  # type: ignore[attr-defined]
    connection.execute("PRAGMA max_page_count = 200")
    async with held(database):
        before, much, after = await start(
            database.write(add_thread, "thread_1"),
            database.write(write_much),
            database.write(add_thread, "thread_3"),
        )
    assert [await before, await after] == [1, 1]
    with pytest.raises(Unavailable, match=r"^The disk of the database is full") as full:
        await much
    assert str(full.value.__cause__) == "database or disk is full"
    assert full.value.code == "disk_full"
    found = [await database.read(has_thread, f"thread_{n}") for n in (1, 2, 3)]
    assert found == [True, False, True]
    await database.close()


async def test_a_full_disk_gets_the_reserve_which_is_taken_back_when_there_is_room(
    file: Path,
) -> None:
    reserve = file.with_name("reserve")
    database = SQLite(file, bus=MemoryBus())
    await database.open()
    assert (database.is_full, reserve.stat().st_size) == (False, 16 * 2**20)
    assert database._writer is not None
    connection = database._writer._connection._connection  # type: ignore[attr-defined]
    connection.execute("PRAGMA max_page_count = 200")
    with pytest.raises(Unavailable, match="The disk of the database is full"):
        await database.write(write_much)
    assert (database.is_full, reserve.exists()) == (True, False)
    # The disk itself is not full in this test.
    await database.require_space()
    assert (database.is_full, reserve.exists()) == (False, True)
    await database.close()
    assert not reserve.exists()


async def test_a_reserve_that_a_killed_server_left_is_the_next_one_s(file: Path) -> None:
    with writer(file):
        assert file.with_name("reserve").exists()
    database = SQLite(file, bus=MemoryBus())
    await database.open()
    assert not database.is_full
    await database.close()
    assert not file.with_name("reserve").exists()


async def test_a_program_that_locks_the_file_makes_writes_unavailable_for_a_while(
    file: Path,
) -> None:
    database = SQLite(file, bus=MemoryBus())
    await database.open()
    assert database._writer is not None
    database._writer._connection._connection.execute(  # type: ignore[attr-defined]
        "PRAGMA busy_timeout = 10"
    )
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for task in await start(*(database.write(add_thread, f"thread_{n}") for n in range(3))):
        with pytest.raises(Unavailable, match=UNAVAILABLE):
            await task
    assert not await database.read(has_thread, "thread_0")
    other.execute("ROLLBACK")
    other.close()
    assert await database.write(add_thread, "thread_1") == 1
    await database.close()
