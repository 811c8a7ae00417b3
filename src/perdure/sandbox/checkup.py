"""A check that this machine can isolate, by trying it.

A sandbox is started, and a probe in it reaches for what the host lays out: an open port, an
abstract socket, a file, processes. There is no weaker mode: isolation that fails is a
`ConfigurationError`.
"""

import json
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

from perdure.errors import ConfigurationError
from perdure.sandbox.sandbox import Error, Sandbox, Session, SessionLost, Text

_SECONDS = 20.0
# what the probe has to find, and what it means if it does not
_HELD = {
    "port": "it reaches a port of this machine",
    "abstract": "it reaches a socket of this machine",
    "file": "it reads a file of this machine",
    "process": "it sees the processes of this machine",
    "environment": "it sees the environment of the server",
    "root": "it has rights of the system",
    "filter": "its system calls are not filtered",
    "namespace": "it can make namespaces",
    "write": "it can write outside of its folders",
}
_PROBE = """
import ctypes, json, os, socket

def held(f, *given):
    try:
        f(*given)
    except OSError:
        return True
    return False

def reach(family, address):
    with socket.socket(family) as s:
        s.settimeout(2)
        s.connect(address)

def status(name):
    with open("/proc/self/status") as lines:
        return next(line.split()[1] for line in lines if line.startswith(name + ":"))

def sees_environment():
    return any(
        {token!r}.encode() in open(f"/proc/{{pid}}/environ", "rb").read()
        for pid in os.listdir("/proc") if pid.isdigit()
    )

print(json.dumps({{
    "token": {token!r},
    "port": held(reach, socket.AF_INET, ("127.0.0.1", {port})),
    "abstract": held(reach, socket.AF_UNIX, "\\0" + {token!r}),
    "file": held(open, {file!r}),
    "process": os.readlink("/proc/self/ns/pid") != {processes!r}
    and len([p for p in os.listdir("/proc") if p.isdigit()]) < 9,
    "environment": not sees_environment(),
    "root": status("CapEff") == status("CapBnd") == "0" * 16 and status("NoNewPrivs") == "1",
    "filter": status("Seccomp") == "2",
    "namespace": ctypes.CDLL(None).unshare(0x10000000) == -1,
    "write": held(open, "/usr/bin/probe", "w") and held(open, "/probe", "w"),
}}))
"""


async def check(sandbox: Sandbox) -> str:
    """Starts a session and runs a probe that tries to get out. Returns what was seen, in a few
    words.

    Raises `ConfigurationError` with one sentence where it cannot start, or got out.
    """
    begun = time.monotonic()
    session = await sandbox.start()
    took = time.monotonic() - begun
    try:
        with _bait() as (token, code):
            found = await run_probe(session, code)
    except SessionLost as lost:
        raise ConfigurationError(f"The code interpreter's sandbox broke down: {lost}") from None
    finally:
        await session.close()
    if found.get("token") != token:
        raise ConfigurationError("The code interpreter's sandbox does not run code as it should.")
    for name, problem in _HELD.items():
        if found.get(name) is not True:
            raise ConfigurationError(
                f"The code interpreter's sandbox does not isolate on this machine: {problem}."
            )
    return f"a probe in the sandbox reached nothing of this machine; it started in {took:.1f} s"


@contextmanager
def _bait() -> Iterator[tuple[str, str]]:
    """Lays out what must not be reached, and yields a token and the probe that tries to reach
    it.
    """
    token = secrets.token_hex()
    with (
        socket.create_server(("127.0.0.1", 0)) as port,
        socket.socket(socket.AF_UNIX) as abstract,
        tempfile.TemporaryDirectory() as folder,
    ):
        abstract.bind(f"\0{token}")
        abstract.listen()
        Path(folder).chmod(0o755)  # as if nothing but the sandbox held the probe back
        file = Path(folder, "file")
        file.write_text(token, encoding="utf-8")
        code = _PROBE.format(
            token=token,
            port=port.getsockname()[1],
            file=str(file),
            # Not the number of a process: in a container this one is 1, as the sandbox's first is.
            processes=os.readlink("/proc/self/ns/pid"),  # noqa: PTH115 # it leads to no file
        )
        yield token, code


async def run_probe(session: Session, code: str) -> dict[str, object]:
    """Runs a probe and returns the JSON object that it prints; empty if it prints none.

    Raises `ConfigurationError` when the probe fails, `SessionLost`.
    """
    text = ""
    async with aclosing(session.execute(code, seconds=_SECONDS)) as outputs:
        async for output in outputs:
            match output:
                case Text(said, "stdout"):
                    text += said
                case Error(traceback):
                    last = traceback.strip().rpartition("\n")[2]
                    raise ConfigurationError(f"The code interpreter's probe failed: {last}.")
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
