"""Group commit: one thread writes all that waits in one transaction (design, decision 4).

Each command of a batch has a savepoint, so that one that fails takes nobody with it; the
batch has one COMMIT, which is what costs. Callers learn of it on the event loop: first all
that was told is published, in order, then they resume.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum, auto
from queue import Empty, SimpleQueue
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from perdure.bus.bus import Bus
from perdure.errors import Unavailable
from perdure.storage.database import Transaction
from perdure.wire.events import Publication

P = ParamSpec("P")
T = TypeVar("T")

# Bounds how long the first command of a batch waits for the last, and how long rows stay
# locked.
_MOST = 128


class WriterFault(Enum):
    """What an error means for the transaction in which it happened."""

    OWN = auto()
    """It is the command's own: the other commands are not concerned."""
    COLLISION = auto()
    """The database gave this transaction up for another's sake; it may be run again."""
    REFUSED = auto()
    """The database cannot do it now: full, slow, or broken."""
    FULL = auto()
    """There is no room on the disk."""
    LOST = auto()
    """The connection is gone."""


_AWAY = "The database is not available right now; please try again."
_FULL = (
    "The disk of the database is full, so nothing new can be stored. Delete what is not needed any "
    "more, or make room on the disk."
)

# How often a transaction that did not commit is tried in all.
_ATTEMPTS = {
    WriterFault.COLLISION: 10,
    WriterFault.LOST: 2,
    WriterFault.FULL: 2,
    WriterFault.REFUSED: 1,
}


class TellingTransaction(Transaction, Protocol):
    """A transaction that keeps what it was asked to tell."""

    told: list[tuple[str, Publication]]


class WriterConnection(Protocol):
    """What the writer needs of a database; used by the writer's thread only."""

    def begin(self, *, grouped: bool) -> None:
        """Begins a transaction; connects first if the connection is gone. Raises `Unavailable`
        where there is no use in trying again for each command of a batch.

        A `grouped` transaction must not wait long for another's rows: it holds some itself.
        """
        ...

    def transaction(self) -> TellingTransaction:
        """A view of the open transaction for one command."""
        ...

    def savepoint(self) -> None: ...

    def release(self) -> None: ...

    def rollback_to_savepoint(self) -> None: ...

    def commit(self) -> None: ...

    def rollback(self) -> None:
        """Ends the transaction, if there is one; raises nothing."""
        ...

    def fault(self, error: Exception) -> WriterFault: ...

    def close(self) -> None: ...


class _Waiting:
    """A command, its caller, and what became of it."""

    __slots__ = ("command", "error", "future", "result", "told")

    def __init__(
        self, command: Callable[[Transaction], object], future: asyncio.Future[Any] | Future[Any]
    ) -> None:
        self.command = command
        self.future = future
        self.result: object = None
        self.error: Exception | None = None
        self.told: list[tuple[str, Publication]] = []

    def run(self, transaction: TellingTransaction) -> None:
        """Runs the command, perhaps not for the first time."""
        self.error = None
        self.result = self.command(transaction)
        self.told = transaction.told

    def fail(self, error: Exception) -> None:
        self.error = error
        self.told = []

    @property
    def is_urgent(self) -> bool:
        """Whether its caller is a thread that waits."""
        return isinstance(self.future, Future)

    def resume(self) -> None:
        """Lets the caller go on, unless it was cancelled or has gone on already."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        elif isinstance(self.error, StopIteration):  # a future does not take it
            self.future.set_exception(RuntimeError("a command raised StopIteration"))
        else:
            self.future.set_exception(self.error)


class Writer:
    """The only writer of a database."""

    def __init__(self, connection: WriterConnection, *, bus: Bus) -> None:
        self._connection = connection
        self._bus = bus
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        # Commands that come next, whatever waits in the queue; each puts itself into the queue too,
        # in case the thread waits there.
        self._urgent: deque[_Waiting] = deque()
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._committing = False
        # A daemon, so that a process that dies of something else does not wait for it.
        self._thread = threading.Thread(target=self._serve, name="perdure-writer", daemon=True)
        self._thread.start()

    async def write(
        self, command: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `Database.write`. A caller that is cancelled while it waits leaves the command in
        its place: it is run, and told, all the same.
        """
        if self._closed:
            raise Unavailable("The server is shutting down.")
        future: asyncio.Future[T] = self._loop.create_future()

        def run(transaction: Transaction) -> T:
            return command(transaction, *args, **kwargs)

        self._queue.put(_Waiting(run, future))
        return await future

    def write_now(
        self, command: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See `Database.write_now`. Must not be called any more once `close` is."""
        future: Future[T] = Future()

        def run(transaction: Transaction) -> T:
            return command(transaction, *args, **kwargs)

        waiting = _Waiting(run, future)
        self._urgent.append(waiting)
        self._queue.put(waiting)
        return future.result()

    async def close(self) -> None:
        """Finishes what waits, then disconnects."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        open_ = True
        while open_:
            batch, open_ = self._take()
            if batch:
                self._settle(batch)
        self._connection.close()

    def _take(self) -> tuple[list[_Waiting], bool]:
        """Waits for a command and takes all that wait with it; and whether more may come."""
        batch = self._take_urgent()
        try:
            while len(batch) < _MOST:
                waiting = self._queue.get(block=not batch)
                if waiting is None:
                    return batch, False
                # An urgent one was taken already, or is among those that are taken now.
                batch += self._take_urgent() if waiting.is_urgent else [waiting]
        except Empty:
            pass
        return batch, True

    def _take_urgent(self) -> list[_Waiting]:
        return [self._urgent.popleft() for _ in range(len(self._urgent))]

    def _settle(self, batch: list[_Waiting], *, attempt: int = 1) -> None:
        """Brings each command of the batch to its end and tells its caller; raises nothing."""
        try:
            self._attempt(batch)
        except Exception as error:  # whatever it is, the callers must hear of it
            fault = self._connection.fault(error)
            self._connection.rollback()
            if fault is WriterFault.OWN:
                _fail(batch, error)
            elif self._committing and fault not in (WriterFault.COLLISION, WriterFault.FULL):
                # COMMIT was sent and not answered: nobody knows whether it holds.
                _fail_unavailable(batch, error, fault)
            elif len(batch) > 1 and fault is not WriterFault.LOST:
                for waiting in batch:
                    self._settle([waiting], attempt=attempt)
                return
            elif attempt < _ATTEMPTS[fault]:
                self._settle(batch, attempt=attempt + 1)
                return
            else:
                _fail_unavailable(batch, error, fault)
        for waiting in batch:
            if waiting.is_urgent:
                waiting.resume()
        self._loop.call_soon_threadsafe(self._deliver, batch)

    def _attempt(self, batch: list[_Waiting]) -> None:
        """Runs the batch in one transaction. Raises what makes it void for everybody in it."""
        connection = self._connection
        self._committing = False
        connection.begin(grouped=len(batch) > 1)
        if len(batch) == 1:
            batch[0].run(connection.transaction())
        else:
            for waiting in batch:
                self._run_in_savepoint(waiting)
        self._committing = True
        connection.commit()

    def _run_in_savepoint(self, waiting: _Waiting) -> None:
        connection = self._connection
        connection.savepoint()
        try:
            waiting.run(connection.transaction())
            connection.release()
        except Exception as error:  # goes to the caller of this command alone
            if connection.fault(error) is not WriterFault.OWN:
                raise
            connection.rollback_to_savepoint()
            waiting.fail(error)

    def _deliver(self, batch: list[_Waiting]) -> None:
        """On the event loop: what holds is told before its callers resume."""
        try:
            for waiting in batch:
                for topic, told in waiting.told:
                    self._bus.publish(topic, told)
        finally:  # a listener's error must not keep the callers waiting for ever
            for waiting in batch:
                waiting.resume()


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for waiting in batch:
        waiting.fail(error)


def _fail_unavailable(batch: list[_Waiting], error: Exception, fault: WriterFault) -> None:
    for waiting in batch:
        waiting.fail(unavailable(error, fault))


def unavailable(cause: Exception, fault: WriterFault = WriterFault.REFUSED) -> Unavailable:
    """The error that the user sees; the cause is for the log."""
    error = full() if fault is WriterFault.FULL else Unavailable(_AWAY)
    error.__cause__ = cause
    return error


def full() -> Unavailable:
    """The error of a full disk."""
    return Unavailable(_FULL, code="disk_full")
