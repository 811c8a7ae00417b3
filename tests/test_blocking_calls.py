"""Work in threads: nobody runs away from it, however often it is cancelled."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perdure import blocking_calls
from perdure.storage import FolderBlobs
from tests.patience import PATIENCE_SECONDS, until

_CANCELS = 20


@pytest.fixture
def complaints() -> Iterator[list[object]]:
    """What nobody else was told of, by the event loop."""
    told: list[object] = []
    yield told
    gc.collect()
    assert told == []


def _listen(told: list[object]) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))


async def _insist(task: asyncio.Task[None]) -> None:
    """Cancels it again and again, as a cancel scope does."""
    for _ in range(_CANCELS):
        task.cancel()
        await asyncio.sleep(0)


async def test_who_is_cancelled_waits_for_the_work_and_its_fault_is_nobodys(
    complaints: list[object],
) -> None:
    _listen(complaints)
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait(PATIENCE_SECONDS)
        raise OSError(9, "Bad file descriptor")

    working = asyncio.create_task(blocking_calls.run(work))
    await until(begun.is_set)
    await _insist(working)
    assert not working.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await working


async def test_what_was_taken_while_the_caller_was_cancelled_is_given_back() -> None:
    begun, go_on = threading.Event(), threading.Event()
    given_back: list[int] = []

    def take() -> int:
        begun.set()
        go_on.wait(PATIENCE_SECONDS)
        return 7

    async def use() -> None:
        async with blocking_calls.acquire(take, given_back.append):
            raise AssertionError("the caller was cancelled")

    using = asyncio.create_task(use())
    await until(begun.is_set)
    await _insist(using)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert given_back == [7]


async def test_what_could_not_be_taken_is_not_given_back() -> None:
    def take() -> int:
        raise OSError(2, "No such file")

    with pytest.raises(OSError, match="No such file"):
        async with blocking_calls.acquire(take, lambda _: pytest.fail("given back")):
            pass


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def _content() -> AsyncIterator[bytes]:
    yield bytes(1_000_000)


@pytest.mark.parametrize("threads_busy_at", ["open", "read"])
async def test_a_reader_that_is_cancelled_reads_nothing_that_was_closed(
    tmp_path: Path, complaints: list[object], threads_busy_at: str
) -> None:
    """Its piece is read late, when others wait for a slow disk: the file is open until then."""
    _listen(complaints)
    blobs = FolderBlobs(tmp_path / "blobs")
    await blobs.open()
    await blobs.write("blob_1", _content())
    before = _descriptors()
    go_on = threading.Event()
    threads = blobs._threads
    assert isinstance(threads, ThreadPoolExecutor)
    read = blobs.read("blob_1", 0, 1_000_000)
    if threads_busy_at == "read":
        await anext(read)
    for _ in range(threads._max_workers):
        threads.submit(go_on.wait, PATIENCE_SECONDS)

    async def next_piece() -> None:
        await anext(read)

    reading = asyncio.create_task(next_piece())
    await asyncio.sleep(0)
    await _insist(reading)
    assert not reading.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await read.aclose()
    assert _descriptors() == before
    await blobs.close()
