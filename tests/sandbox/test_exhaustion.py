"""Code that uses everything up: it is stopped, says why, and takes nothing else with it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio

from perdure.sandbox import resource_guard, resource_usage
from perdure.sandbox.local import LocalSandbox
from perdure.sandbox.sandbox import MIB, ExecutionEnd, SessionLimits, SessionLost
from perdure.sandbox.session import LocalSession
from tests.patience import PATIENCE_SECONDS, until
from tests.sandbox.attack import PRELUDE
from tests.sandbox.ended import at_work, handles_of
from tests.sandbox.talk import ON, STUBBORN, printed, run

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def small() -> AsyncIterator[LocalSandbox]:
    """A sandbox with less memory and patience, so that a test costs less of both."""
    limits = SessionLimits(
        memory_bytes=512 * MIB,
        disk_bytes=64 * MIB,
        processes=64,
        idle_cpu_seconds=0.5,
        grace_seconds=0.5,
    )
    sandbox = LocalSandbox(limits, warm=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resource_guard, "_LOOK_IDLE_SECONDS", 0.25)
        yield sandbox
    await sandbox.close()


class Spare:
    """Starts the session of the next test while this one waits."""

    def __init__(self, sandbox: LocalSandbox) -> None:
        self._sandbox = sandbox
        self._starting = asyncio.create_task(sandbox.start())

    async def take(self) -> LocalSession:
        session = await self._starting
        self._starting = asyncio.create_task(self._sandbox.start())
        return session

    async def close(self) -> None:
        await asyncio.wait({self._starting})


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def spare(small: LocalSandbox) -> AsyncIterator[Spare]:
    spare = Spare(small)
    yield spare
    await spare.close()


@pytest_asyncio.fixture(loop_scope="module")
async def cell(spare: Spare) -> AsyncIterator[LocalSession]:
    """A small session of one test."""
    session = await spare.take()
    await printed(session, PRELUDE)
    yield session
    await session.close()


EXHAUSTED = {
    "processes": (
        """
children = []
try:
    while True:
        child = os.fork()
        if not child:
            signal.pause()
        children.append(child)
except BlockingIOError:
    print(30 < len(children) < 64)
for child in children:
    os.kill(child, 9)
    os.waitpid(child, 0)
""",
        "True",
    ),
    "threads": (
        """
import threading
stop = threading.Event()
started = []
try:
    while True:
        thread = threading.Thread(target=stop.wait, daemon=True)
        thread.start()
        started.append(thread)
except RuntimeError:
    print(20 < len(started) < 64)
stop.set()
for thread in started:
    thread.join()
""",
        "True",
    ),
    "memory": ("tried(bytearray, 600 << 20)", "MemoryError"),
    "addresses": (
        """
import mmap
tried(mmap.mmap, -1, 64 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)
""",
        "ENOMEM",
    ),
    "memory, bit by bit": (
        """
held = []
try:
    while True:
        held.append(bytearray(1 << 20))
except MemoryError:
    count = len(held)
    del held
    print(200 < count < 512)
""",
        "True",
    ),
    "disk": (
        """
def fill():
    with open("big", "wb", buffering=0) as file:
        while file.write(bytes(1 << 20)):
            pass
tried(fill)
print(os.path.getsize("big") <= 64 << 20)
os.unlink("big")
""",
        "EFBIG\nTrue",
    ),
    "disk, in many files": (
        """
def fill():
    for number in range(80):
        pathlib.Path(f"part-{number}").write_bytes(bytes(1 << 20))
tried(fill)
for path in glob.glob("part-*"):
    os.unlink(path)
""",
        "ENOSPC",
    ),
    "scratch space": (
        """
def fill():
    for number in range(300):
        pathlib.Path(f"/dev/shm/part-{number}").write_bytes(bytes(1 << 20))
tried(fill)
for path in glob.glob("/dev/shm/part-*"):
    os.unlink(path)
""",
        "ENOSPC",
    ),
    "open files": (
        """
files = []
def opened():
    while True:
        files.append(open("/dev/null"))
tried(opened)
print(100 < len(files) < 256)
for file in files:
    file.close()
""",
        "EMFILE\nTrue",
    ),
}


@pytest.mark.parametrize("what", EXHAUSTED)
async def test_what_runs_out_is_the_sessions_own_and_it_goes_on(
    small_shared: LocalSession, what: str
) -> None:
    code, said = EXHAUSTED[what]
    assert await printed(small_shared, code) == said
    assert await printed(small_shared, "print('still here')") == "still here"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def small_shared(small: LocalSandbox) -> LocalSession:
    """A small session that tests share."""
    session = await small.start()
    await printed(session, PRELUDE)
    return session


FATAL = {
    "memory of many processes": (
        """
for _ in range(4):
    if not os.fork():
        held = b"x" * (200 << 20)
        signal.pause()
signal.pause()
""",
        "It used more than the 512 MiB of memory that it may use.",
    ),
    "memory behind a main thread that has ended": (
        """
import threading, time
def hold():
    time.sleep(0.5)
    held = b"x" * (200 << 20)
    time.sleep(60)
for _ in range(4):
    if not os.fork():
        threading.Thread(target=hold).start()
        libc.pthread_exit(None)
signal.pause()
""",
        "It used more than the 512 MiB of memory that it may use.",
    ),
    "page tables of memory that is only read": (
        """
import mmap
for _ in range(40):
    if not os.fork():
        m = mmap.mmap(-1, 8 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ)
        m[:: 2 << 20]
        signal.pause()
signal.pause()
""",
        "It used more than the 512 MiB of memory that it may use.",
    ),
    "watches of epoll without end": (
        """
import select
files = [file for _ in range(30) for file in os.pipe()]
numbers = range(150, 250)
watchers = [select.epoll() for _ in range(4)]
for file in files:
    for number in numbers:
        os.dup2(file, number)
        for watcher in watchers:
            watcher.register(number)
signal.pause()
""",
        "It watches more than 16384 descriptors.",
    ),
    "files without end": (
        """
for number in range(1000):
    os.makedirs(f"/tmp/{number}")
    for name in range(1000):
        os.mknod(f"/tmp/{number}/{name}")
""",
        "It made more than 100000 files and folders.",
    ),
    "sockets without end": (
        """
pairs = []
for _ in range(6):
    if not os.fork():
        pairs = [socket.socketpair() for _ in range(80)]
        signal.pause()
signal.pause()
""",
        "It opened more than 512 sockets.",
    ),
    "a fork bomb that no interrupt stops": (
        """
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("on", flush=True)
while True:
    try:
        os.fork()
    except BlockingIOError:
        pass
""",
        STUBBORN,
    ),
    "a loop that no interrupt stops": (
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('on', flush=True)\nwhile True: pass",
        STUBBORN,
    ),
    "a loop outside of Python": (
        """
import threading
thread = threading.get_native_id()
def tell():
    # every signal is blocked while it is in there
    while "SigBlk:\\tf" not in open(f"/proc/self/task/{thread}/status").read():
        pass
    print("on", flush=True)
threading.Thread(target=tell).start()
libc.sigsuspend(ctypes.create_string_buffer(b"\\xff" * 128))
signal.pause()
""",
        STUBBORN,
    ),
    "the end of the kernel": (
        "os.kill(os.getpid(), 9)",
        "The Python process ended, by SIGKILL.",
    ),
    "the end of the relay": (
        "os.kill(os.getppid(), 9); signal.pause()",
        "The Python process cannot be talked to any more (it closed the channel).",
    ),
    "the end of everything": (
        "os.kill(-1, 9)",
        "The Python process cannot be talked to any more (it closed the channel).",
    ),
}


@pytest.mark.parametrize("what", FATAL)
async def test_what_goes_too_far_ends_the_session_with_a_reason(
    cell: LocalSession, what: str
) -> None:
    code, reason = FATAL[what]
    first = handles_of([cell.first_process])
    with pytest.raises(SessionLost, match=re.escape(reason)):
        await run(cell, code, overtime_after=len(ON) if reason == STUBBORN else None)
    assert cell.lost is not None
    assert at_work(first) == []
    with pytest.raises(SessionLost):
        await run(cell, "1")


STAYS_BEHIND = {
    "a thread": """
import threading
threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()
""",
    "a process that leaves the work to children for which it does not wait": """
import time
if not os.fork():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        if not os.fork():
            until = time.monotonic() + 0.3
            while time.monotonic() < until:
                pass
            os._exit(0)
        time.sleep(0.3)
""",
}


@pytest.mark.parametrize("what", STAYS_BEHIND)
async def test_code_that_goes_on_after_its_end_is_stopped(cell: LocalSession, what: str) -> None:
    """What stays behind may work for half a second of CPU time in this sandbox."""
    await run(cell, STAYS_BEHIND[what])
    await asyncio.wait_for(cell._enclosure.wait_until_gone(), PATIENCE_SECONDS)
    with pytest.raises(SessionLost, match="It went on computing after its code had ended"):
        await run(cell, "1")


SHARING = """
import time
held = b"x" * (200 << 20)
children = []
signal.signal(signal.SIGINT, signal.SIG_IGN)
for _ in range(20):
    children.append(os.fork())
    if not children[-1]:
        signal.pause()
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    print("on", flush=True)
    while True:
        time.sleep(1)
except KeyboardInterrupt:
    pass
for child in children:
    os.kill(child, 9)
    os.waitpid(child, 0)
"""


async def test_a_look_that_takes_long_holds_nobody_up(cell: LocalSession) -> None:
    """To see what 20 processes share, the kernel has to go through 4 GB of pages: another thread
    does that, and the event loop takes turns meanwhile.
    """
    cell._limits = cell._limits._replace(grace_seconds=PATIENCE_SECONDS)
    async with aclosing(cell.execute(SHARING, seconds=PATIENCE_SECONDS)) as outputs:
        assert getattr(await anext(outputs), "text", None) == ON
        before = cell._enclosure._look
        await until(lambda: cell._enclosure._look is not before)
        look, turns = cell._enclosure._look, 0
        assert look is not None
        while not look.done():
            await asyncio.sleep(0)
            turns += 1
        # on the event loop itself it would be done in one
        assert turns > 10
        await cell.interrupt()
        assert [output async for output in outputs] == [ExecutionEnd(timed_out=False, changed=())]
    assert cell.lost is None


async def test_a_session_that_cannot_be_looked_at_in_time_is_ended(
    cell: LocalSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource_usage, "_MOST_EFFORT_SECONDS", 0)
    with pytest.raises(SessionLost, match="What it used could not be measured in time"):
        await run(cell, SHARING)


async def test_descriptors_under_way_in_one_session_keep_no_other_from_starting(
    cell: LocalSession, small: LocalSandbox
) -> None:
    """The kernel counts them for each user, and compares that with the limit of who sends more."""
    code = """
import array
some = [os.open("/dev/null", os.O_RDONLY) for _ in range(100)]
rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", some * 2))]
kept = []
def send():
    while True:
        kept.append(socket.socketpair())
        kept[-1][0].sendmsg([b"x"], rights)
tried(send)
"""
    assert await printed(cell, code) == "ETOOMANYREFS"
    other = await small.start()
    assert await printed(other, "print('fine')") == "fine"
    await other.close()


async def test_a_closed_session_leaves_no_process_behind(cell: LocalSession) -> None:
    """Not even one that left its parent, its process group and its terminal, and hears nothing, and
    would write over process 1.
    """
    code = """
if not os.fork():
    os.setsid()
    if not os.fork():
        for number in range(1, 32):
            if number not in (9, 19):
                signal.signal(number, signal.SIG_IGN)
        while True:
            signal.pause()
    os._exit(0)
tried(open, "/proc/1/mem", "r+b")
"""
    assert await printed(cell, code) == "EROFS"
    processes = handles_of(resource_usage.processes(cell.first_process))
    assert len(processes) >= 4
    await cell.close()
    assert at_work(processes) == []
