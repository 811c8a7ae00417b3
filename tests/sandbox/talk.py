"""Running code in a session and looking at all that came of it."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Generic, NamedTuple, TypeVar

from perdure.sandbox.sandbox import Error, ExecutionEnd, Image, Session, SessionFile, Text
from tests.patience import PATIENCE_SECONDS, pass_time

_Session = TypeVar("_Session", bound=Session)


class Shared(Generic[_Session]):
    """The session that tests share; one that ends it leaves a new one to the next."""

    def __init__(self, start: Callable[[], Awaitable[_Session]]) -> None:
        self._start = start
        self._session: _Session | None = None

    async def session(self) -> _Session:
        if self._session is None or self._session.lost is not None:
            self._session = await self._start()
        return self._session


# Of code whose time is up when it has written this, and which no interrupt stops.
ON = "on\n"
STUBBORN = (
    f"The code ran for {PATIENCE_SECONDS:g} seconds, and did not stop when it was interrupted."
)


class Ran(NamedTuple):
    """What an execution said, by kind."""

    text: str
    notes: str
    errors: list[str]
    images: list[Image]
    end: ExecutionEnd

    @property
    def changed(self) -> list[SessionFile]:
        return list(self.end.changed)


async def run(
    session: Session,
    code: str,
    *,
    seconds: float = PATIENCE_SECONDS,
    overtime_after: int | None = None,
) -> Ran:
    """Runs the code to its end. Its time is up once it has written so many characters."""
    texts, notes, errors, images = [], [], [], []
    ends: list[ExecutionEnd] = []
    async with aclosing(session.execute(code, seconds=seconds)) as outputs:
        async for output in outputs:
            match output:
                case Text(text, "note"):
                    notes.append(text)
                case Text(text):
                    texts.append(text)
                    if overtime_after is not None and sum(map(len, texts)) >= overtime_after:
                        overtime_after = None
                        pass_time(seconds)
                case Error(traceback):
                    errors.append(traceback)
                case Image():
                    images.append(output)
                case ExecutionEnd():
                    ends.append(output)
    [end] = ends
    return Ran("".join(texts), "".join(notes), errors, images, end)


async def printed(session: Session, code: str) -> str:
    """What the code printed; it may neither fail nor run out of time."""
    ran = await run(session, code)
    assert ran.errors == []
    assert not ran.end.timed_out
    return ran.text.rstrip("\n")


async def content(session: Session, name: str) -> bytes:
    """A whole file of the session."""
    async with aclosing(session.get(name)) as pieces:
        return b"".join([piece async for piece in pieces])
