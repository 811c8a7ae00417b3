"""The seam to sandboxes, in which untrusted code runs: the protocols of a sandbox and its sessions.

`tests/sandbox/test_conformance.py` runs against every implementation, and
`tests/sandbox/test_escapes.py` really tries to get out. The code comes from a model that read
whatever its users sent it: it is an attacker's code. Nothing that comes out of a session is
believed: sizes are bounded, types are checked, and nothing is unpickled, rendered or unpacked.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from typing import Literal, NamedTuple, Protocol

from perdure.errors import PerdureError

MIB = 1024 * 1024


class SessionLimits(NamedTuple):
    """The resources that one session may use; `docs/security.md` says what enforces each limit."""

    memory_bytes: int = 2048 * MIB
    """Memory of all processes and files of the session together."""
    disk_bytes: int = 1024 * MIB
    """Files in /mnt/data; they are kept in memory, and count there as well."""
    processes: int = 128
    """Processes and threads at once."""
    open_files: int = 256
    """Open files of one process."""
    text_bytes: int = 256 * 1024
    """Text of one execution; what is over it is left out, with a note."""
    images: int = 20
    """Images of one execution; what is over it is left out, with a note."""
    image_bytes: int = 8 * MIB
    """Size of one image; a larger one is left out, with a note."""
    files: int = 1000
    """Files in /mnt/data that are looked at; the others are left out, with a note."""
    idle_cpu_seconds: float = 60.0
    """CPU time that a session may use after its code has ended, until more code comes."""
    grace_seconds: float = 3.0
    """How long code that is interrupted may take to stop, before its session is killed."""


class Text(NamedTuple):
    """Text that the code wrote. `result` is the value of the last expression; a `note` is ours.

    The text has no terminal escapes and no control characters but tab and line ends.
    """

    text: str
    stream: Literal["stdout", "stderr", "result", "note"]


class Image(NamedTuple):
    """A picture that the code showed. The content begins as such a file does. The rest of it is not
    checked, so never decode it in the server.
    """

    mime: Literal["image/png", "image/jpeg"]
    content: bytes


class Error(NamedTuple):
    """The traceback, as Python words it, of code that raised or was interrupted."""

    traceback: str


class SessionFile(NamedTuple):
    """A regular file below /mnt/data. `name` is relative to that, such as `plots/one.png`; it has
    no `..` and no control characters.
    """

    name: str
    size: int


class ExecutionEnd(NamedTuple):
    """The last output of every execution whose session is still there.

    `timed_out`: the code was interrupted because its time was up. `changed`: the files that are new
    or changed since before the execution.
    """

    timed_out: bool
    changed: tuple[SessionFile, ...]


Output = Text | Image | Error | ExecutionEnd


class SessionLost(PerdureError):
    """The session is gone, with its variables and files. The message says why, in a sentence that
    can be shown to the model.
    """


class FileRefused(PerdureError):
    """A file cannot be put into a session, or taken out of it. The message says why."""


class Session(Protocol):
    """A living interpreter in isolation; its variables and files last until it ends.

    It does one thing at a time: calls wait for each other, but `interrupt` and `close` do not wait.
    """

    def execute(self, code: str, *, seconds: float) -> AsyncGenerator[Output, None]:
        """Runs the code and yields its outputs; the last one is an `ExecutionEnd`.

        After that many seconds the code is interrupted. If that does not stop it, the session is
        killed. Closing the generator early interrupts in the same way. Raises `SessionLost`.
        """
        ...

    async def interrupt(self) -> None:
        """Stops the code that runs, as Ctrl-C does; if none runs, does nothing."""
        ...

    async def put(self, name: str, content: bytes | AsyncIterable[bytes]) -> None:
        """Writes a file into /mnt/data, in place of one that has its name.

        Raises `FileRefused` (its name, no space), `SessionLost`.
        """
        ...

    async def files(self) -> tuple[SessionFile, ...]:
        """Returns the regular files below /mnt/data. Raises `SessionLost`."""
        ...

    def get(self, name: str) -> AsyncGenerator[bytes, None]:
        """Yields the content of one of `files()` in blocks, never more than the session may store.

        Raises `FileRefused`, `SessionLost`.
        """
        ...

    @property
    def lost(self) -> str | None:
        """The reason why the session is gone; None while it lives."""
        ...

    async def close(self) -> None:
        """Ends the session and every process in it. May be called twice."""
        ...


class Sandbox(Protocol):
    """A place where sessions can be started."""

    async def describe(self) -> str:
        """Returns what isolates its sessions, in a few words.

        Raises `ConfigurationError` where none can be started, as far as that can be seen quickly.
        """
        ...

    async def packages(self) -> tuple[str, ...]:
        """Returns the names of packages that are installed for code, the usual ones first, as they
        were when somebody looked first; what can be said without starting a session.
        """
        ...

    async def start(self, *, warm: bool = False) -> Session:
        """Returns a new session that has run no code, ready to execute. `warm`: what most code
        would have to wait for is done, such as importing pandas. It takes longer than code that
        needs only some of that, so it is for sessions that nobody waits for.

        Raises `ConfigurationError` where it cannot isolate: isolation is never weakened instead.
        """
        ...

    async def close(self) -> None:
        """Ends all sessions that are left."""
        ...
