"""A sandbox without a machine: its sessions run no code, and answer by a script.

It is for tests of code that uses a sandbox, and of programs that use code_interpreter. It isolates
nothing, because nothing runs: the setting `code_sandbox = "scripted"` chooses it.
"""

import ast
import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from typing import NamedTuple

from perdure.errors import ConfigurationError
from perdure.sandbox.sandbox import (
    Error,
    ExecutionEnd,
    FileRefused,
    Image,
    Output,
    SessionFile,
    SessionLost,
    Text,
)


class Wrote(NamedTuple):
    """The code wrote a file into /mnt/data."""

    name: str
    content: bytes


class Forever(NamedTuple):
    """The code goes on until it is stopped."""


class Crashed(NamedTuple):
    """The code ended its session."""

    why: str


Script = Callable[[str], Iterable[Output | Wrote | Forever | Crashed]]


# An image of one white pixel.
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU"
    b"\x00\x00\x00\nIDATx\x9cc\xf8\x0f\x00\x01\x01\x01\x00\xb18\xf6\x14\x00\x00\x00\x00IEND\xaeB`\x82"
)


def obey(code: str) -> Iterable[Output | Wrote | Forever | Crashed]:
    """Yields the effects of code whose lines are directives; other lines do nothing.

    `print TEXT`, `print("TEXT")`, `show` (an image), `write NAME TEXT` (a file), `raise TEXT`,
    `crash TEXT` (the session ends), `forever`.
    """
    for line in code.splitlines():
        word, _, rest = line.partition(" ")
        match word:
            case "print":
                yield Text(f"{rest}\n", "stdout")
            case "show":
                yield Image("image/png", PNG)
            case "write":
                name, _, content = rest.partition(" ")
                yield Wrote(name, content.encode())
            case "raise":
                yield Error(f"Traceback (most recent call last):\nValueError: {rest}")
            case "crash":
                yield Crashed(rest)
            case "forever":
                yield Forever()
            case _:
                if (text := _printed(line)) is not None:
                    yield Text(f"{text}\n", "stdout")


def _printed(line: str) -> str | None:
    """Returns the text of a line such as `print("text")`; None for any other line."""
    if not (line.startswith("print(") and line.endswith(")")):
        return None
    try:
        return str(ast.literal_eval(line.removeprefix("print(").removesuffix(")")))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


class ScriptedSession:
    """A session that answers by its script; files that are put are kept."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._files: dict[str, bytes] = {}
        self._lost: str | None = None

    @property
    def lost(self) -> str | None:
        return self._lost

    def lose(self, why: str) -> None:
        """Loses the session, as if it had crashed."""
        self._lost = self._lost or why

    async def execute(
        self,
        code: str,
        *,
        seconds: float,  # noqa: ARG002  (of the seam)
    ) -> AsyncGenerator[Output, None]:
        self._check()
        changed: list[SessionFile] = []
        for output in self._script(code):
            match output:
                case Wrote(name, content):
                    self._files[name] = content
                    changed.append(SessionFile(name, len(content)))
                case Forever():
                    await asyncio.Event().wait()
                case Crashed(why):
                    self.lose(why)
                case _:
                    yield output
            self._check()
        yield ExecutionEnd(timed_out=False, changed=tuple(changed))

    async def interrupt(self) -> None:
        self._check()

    async def put(self, name: str, content: bytes | AsyncIterable[bytes]) -> None:
        self._check()
        if not isinstance(content, bytes):
            content = b"".join([block async for block in content])
        self._files[name] = content

    async def files(self) -> tuple[SessionFile, ...]:
        self._check()
        return tuple(SessionFile(name, len(held)) for name, held in sorted(self._files.items()))

    async def get(self, name: str) -> AsyncGenerator[bytes, None]:
        self._check()
        if name not in self._files:
            raise FileRefused(f"There is no file of the name {name!r}.")
        yield self._files[name]

    async def close(self) -> None:
        self.lose("The session was closed.")

    def _check(self) -> None:
        if self._lost is not None:
            raise SessionLost(self._lost)


class ScriptedSandbox:
    """A `Sandbox` of scripted sessions. `started` are all that it ever started; `refusal` is the
    reason why it starts none.
    """

    def __init__(self, script: Script = obey) -> None:
        self._script = script
        self.started: list[ScriptedSession] = []
        self.refusal: str | None = None

    async def describe(self) -> str:
        if self.refusal is not None:
            raise ConfigurationError(self.refusal)
        return "nothing, since the scripted sandbox runs no code"

    async def packages(self) -> tuple[str, ...]:
        return ()

    async def start(self, *, warm: bool = False) -> ScriptedSession:  # noqa: ARG002  (of the seam)
        if self.refusal is not None:
            raise ConfigurationError(self.refusal)
        session = ScriptedSession(self._script)
        self.started.append(session)
        return session

    async def close(self) -> None:
        for session in self.started:
            await session.close()
