"""An attacker who has taken over the program inside says to the host whatever it likes.

The attacker's program takes the place of ours in a real sandbox.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio

from perdure.sandbox import session as sessions
from perdure.sandbox.enclosure import PROGRAM
from perdure.sandbox.local import LocalSandbox
from perdure.sandbox.sandbox import MIB, FileRefused, SessionFile, SessionLimits, SessionLost
from tests.patience import PATIENCE_SECONDS, pass_time
from tests.sandbox.talk import content, printed, run

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PROGRAM = """
import json, os, socket, struct, sys

link = socket.socket(fileno=int(sys.argv[1]))
places = [os.open(place, os.O_RDONLY) for place in ("/mnt/data", "/tmp", "/dev/shm", "/run")]
socket.send_fds(link, [b"P"], places)

def send(body, kind=0):
    link.sendall(struct.pack(">IB", len(body), kind) + body)

def tell(**frame):
    send(json.dumps(frame).encode())

def hear():
    size, _ = struct.unpack(">IB", link.recv(5, socket.MSG_WAITALL))
    return json.loads(link.recv(size, socket.MSG_WAITALL))

tell(type="ready")
"""

FORGED = {
    "a frame larger than memory": "link.sendall(struct.pack('>IB', 2**32 - 1, 0))",
    "a frame of another kind": "send(b'{}', 7)",
    "no JSON": r"send(b'\x80\x04N.')",
    "JSON of another shape": "send(b'[]')",
    "JSON as deep as it goes": "send(b'[' * 500_000)",
    "deep JSON in a field": """send(b'{"type":"end","x":' + b'[' * 500_000)""",
    "text that is no UTF-8": r"""send(b'{"type":"error","text":"\xff"}')""",
    "half of a pair": r"""send(rb'{"type":"error","text":"\ud800"}')""",
    "a type that there is not": "tell(type='exec', text='1')",
    "a field that there is not": "tell(type='end', more=1)",
    "a stream that there is not": "tell(type='text', stream='host', text='')",
    "a number for text": "tell(type='text', stream='stdout', text=1)",
    "text without end": "while True: tell(type='text', stream='stdout', text='x' * 1000)",
    "more text than it may": "tell(type='error', text='x' * 300_000)",
    "text with nothing in it": "while True: tell(type='text', stream='stdout', text='')",
    "errors with nothing in them": "while True: tell(type='error', text='')",
    "images without end": "while True: tell(type='image', mime='image/png', data='iVBORw0KGgo=')",
    "another picture": "tell(type='image', mime='image/svg+xml', data='')",
    "bytes in mid-execution": "send(b'x', 1)",
    "files in mid-execution": "tell(type='files', files=[], left_out=0)",
    "being ready again": "tell(type='ready')",
    "half a frame": r"link.sendall(b'\0\0'); link.close(); os._exit(0)",
    "no files where they are asked for": "tell(type='end'); hear(); tell(type='end')",
    "a negative size": (
        "tell(type='end'); hear(); tell(type='files', files=[['a', -1, 0]], left_out=0)"
    ),
    "too many files": (
        "tell(type='end'); hear()\n"
        "tell(type='files', files=[[str(n), 0, 0] for n in range(1001)], left_out=0)"
    ),
}


@pytest_asyncio.fixture(loop_scope="module")
async def overrun() -> AsyncIterator[LocalSandbox]:
    """A sandbox whose program inside is the attacker's; `attack` says what it does."""
    sandbox = LocalSandbox(SessionLimits(disk_bytes=4 * MIB, grace_seconds=0.2), warm=False)
    yield sandbox
    await sandbox.close()


def attack(sandbox: LocalSandbox, code: str) -> None:
    sandbox._files = {PROGRAM: f"{_PROGRAM}\n{code}\nhear()\n".encode()}


@pytest.mark.parametrize("what", FORGED)
async def test_a_frame_that_may_not_be_ends_the_session(overrun: LocalSandbox, what: str) -> None:
    attack(overrun, f"hear()\n{FORGED[what]}")
    session = await overrun.start()
    with pytest.raises(SessionLost):
        await run(session, "1")
    assert session.lost is not None


async def test_silence_is_not_waited_for(overrun: LocalSandbox) -> None:
    attack(overrun, "hear()\nwhile True: hear()")
    session = await overrun.start()
    with pytest.raises(SessionLost, match=r"ran for 0\.2 seconds, and did not stop"):
        await run(session, "1", seconds=0.2)


async def test_silence_about_files_is_not_waited_for(
    overrun: LocalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_PATIENCE_SECONDS", 0.2)
    attack(overrun, "while True: hear()")
    session = await overrun.start()
    with pytest.raises(SessionLost, match="It does not answer any more"):
        await session.files()


async def test_a_file_that_nobody_takes_is_not_sent_for_ever(
    overrun: LocalSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_PATIENCE_SECONDS", 0.2)
    attack(overrun, "hear(); import signal; signal.pause()")
    session = await overrun.start()
    with pytest.raises(SessionLost, match="It does not answer any more"):
        await session.put("large", bytes(50 * MIB))


async def test_a_file_that_does_not_end_is_not_waited_for(overrun: LocalSandbox) -> None:
    """Its reader has gone after the first piece."""
    attack(overrun, "hear()\nwhile True: send(bytes(1 << 20), 1)")
    session = await overrun.start()
    async with aclosing(session.get("endless")) as pieces:
        await anext(pieces)
        with pytest.raises(SessionLost, match="larger than it may be"):
            await pieces.aclose()


async def test_names_that_lead_elsewhere_are_left_out(overrun: LocalSandbox) -> None:
    names = [
        "..",
        "../a",
        "a/../../b",
        "/etc/passwd",
        "a//b",
        "",
        ".",
        "a\nb",
        "a\x1b[2J",
        "\u202ea",
    ]
    attack(
        overrun,
        f"""
hear()
tell(type="end")
hear()
files = [[name, 1, 0] for name in {[*names, "ok"]!r}] + [["large", 5 << 20, 0]]
tell(type="files", files=files, left_out=0)
""",
    )
    session = await overrun.start()
    ran = await run(session, "1")
    assert ran.changed == [SessionFile("ok", 1)]
    assert ran.notes.startswith("[11 things in /mnt/data are not offered as files")


async def test_a_file_that_does_not_end_is_not_taken(overrun: LocalSandbox) -> None:
    attack(overrun, "hear()\nwhile True: send(bytes(1 << 20), 1)")
    session = await overrun.start()
    with pytest.raises(SessionLost, match="larger than it may be"):
        await content(session, "endless")


@pytest.mark.parametrize(
    ("piece", "problem"),
    [
        ("send(b'', 1)", "a piece of a file with nothing in it"),
        ("send(b'x', 1)", "larger than it may be"),
        ("send(b'x', 1); time.sleep(0.05)", "It does not answer any more"),
    ],
)
async def test_a_file_that_comes_in_crumbs_is_not_taken(
    overrun: LocalSandbox, monkeypatch: pytest.MonkeyPatch, piece: str, problem: str
) -> None:
    """Each piece in time, and the whole of them never."""
    if "sleep" in piece:
        monkeypatch.setattr(sessions, "_PATIENCE_SECONDS", 0.4)
    attack(overrun, f"import time\nhear()\nwhile True: {piece}")
    session = await overrun.start()
    with pytest.raises(SessionLost, match=problem):
        await content(session, "crumbs")


async def test_time_is_up_also_while_frames_are_waiting(overrun: LocalSandbox) -> None:
    """The reader is so slow that there is always one more: with the first the time of the code is
    up, with the second the time to stop in.
    """
    told = "for _ in range(1000): tell(type='text', stream='stdout', text='')"
    attack(overrun, f"hear()\n{told}\nhear()")
    session = await overrun.start()
    read = 0

    async def read_slowly() -> None:
        nonlocal read
        async with aclosing(session.execute("1", seconds=PATIENCE_SECONDS)) as outputs:
            async for _ in outputs:
                read += 1
                pass_time(PATIENCE_SECONDS)

    with pytest.raises(SessionLost, match="did not stop when it was interrupted"):
        await read_slowly()
    assert read == 2


async def test_a_problem_is_told_without_escapes(overrun: LocalSandbox) -> None:
    attack(overrun, r"hear(); tell(type='problem', text='\x1b[31m' + 'no' * 1000)")
    session = await overrun.start()
    with pytest.raises(FileRefused) as refused:
        await content(session, "x")
    assert str(refused.value) == f"x cannot be read: {'no' * 100}."


async def test_another_session_does_not_notice(overrun: LocalSandbox) -> None:
    good = await overrun.start()
    attack(overrun, "hear(); send(b'nonsense')")
    bad = await overrun.start()
    with pytest.raises(SessionLost):
        await run(bad, "1")
    assert await printed(good, "print('fine')") == "fine"
