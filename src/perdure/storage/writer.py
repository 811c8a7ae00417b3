"""Group commit: one thread writes all commands that wait in one transaction (design, decision 4).

Each command of a batch has a savepoint, so that one that fails does not fail the others. The batch
has one COMMIT, which is the expensive part. The outcome is handed over on the event loop: first all
events are published, in order, then the callers resume.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum, auto
from queue import Empty, SimpleQueue
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from perdure.bus.bus import Bus
from perdure.errors import Unavailable
from perdure.metrics import WRITE_COMMANDS, WRITE_GROUPS, Metrics
from perdure.storage.database import Transaction
from perdure.wire.events import Publication

P = ParamSpec("P")
T = TypeVar("T")

# Bounds how long the first command of a batch waits for the last, and how long rows stay
# locked.
_MOST = 128


class WriterFault(Enum):
    """The consequence of an error for the transaction in which it happened."""

    OWN = auto()
    """It is the command's own: the other commands are not concerned."""
    COLLISION = auto()
    """The database gave this transaction up for another's sake; it may be run again."""
    TAKEN = auto()
    """A key is taken. If another server took it after the command had looked for it, the command
    finds it when it is run again; else the error is the command's own.
    """
    REFUSED = auto()
    """The database cannot do it now: full, slow, or broken."""
    FULL = auto()
    """There is no space on the disk."""
    LOST = auto()
    """The connection is gone."""


_AWAY = "The database is not available right now; please try again."
_FULL = (
    "The disk of the database is full, so nothing new can be stored. Delete what is not needed any "
    "more, or make room on the disk."
)

# With these, a transaction whose COMMIT failed is known not to hold.
_HOLDS_NOTHING = (WriterFault.COLLISION, WriterFault.TAKEN, WriterFault.FULL)

# The number of attempts at a transaction that does not commit.
_ATTEMPTS = {
    WriterFault.COLLISION: 10,
    WriterFault.TAKEN: 3,
    WriterFault.LOST: 2,
    WriterFault.FULL: 2,
    WriterFault.REFUSED: 1,
}


class PublishingTransaction(Transaction, Protocol):
    """A transaction that collects the events to publish after its commit."""

    published: list[tuple[str, Publication]]


class WriterConnection(Protocol):
    """The writer's connection to a database; used by the writer's thread only."""

    def begin(self, *, grouped: bool) -> None:
        """Begins a transaction; connects first if the connection is gone. Raises `Unavailable`
        where a retry for each command of a batch would be of no use.

        A `grouped` transaction must not wait long for another's rows: it holds some itself.
        """
        ...

    def transaction(self) -> PublishingTransaction:
        """Returns a view of the open transaction for one command."""
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
    """A command, its caller, and its outcome."""

    __slots__ = ("command", "error", "future", "published", "result")

    def __init__(
        self, command: Callable[[Transaction], object], future: asyncio.Future[Any] | Future[Any]
    ) -> None:
        self.command = command
        self.future = future
        self.result: object = None
        self.error: Exception | None = None
        self.published: list[tuple[str, Publication]] = []

    def run(self, transaction: PublishingTransaction) -> None:
        """Runs the command, perhaps not for the first time."""
        self.error = None
        self.result = self.command(transaction)
        self.published = transaction.published

    def fail(self, error: Exception) -> None:
        self.error = error
        self.published = []

    @property
    def is_urgent(self) -> bool:
        """True if its caller is a thread that waits."""
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

    def __init__(
        self, connection: WriterConnection, *, bus: Bus, metrics: Metrics | None = None
    ) -> None:
        self._connection = connection
        self._metrics = metrics or Metrics()
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
        """See `Database.write`. If the caller is cancelled while it waits, the command is run and
        its events are published all the same.
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
        """See `Database.write_now`. Must not be called after `close`."""
        future: Future[T] = Future()

        def run(transaction: Transaction) -> T:
            return command(transaction, *args, **kwargs)

        waiting = _Waiting(run, future)
        self._urgent.append(waiting)
        self._queue.put(waiting)
        return future.result()

    async def close(self) -> None:
        """Finishes the commands that wait, then disconnects."""
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
        """Waits for a command and takes all that wait with it. Returns them, and true if more may
        come.
        """
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
        """Brings each command of the batch to its end and resumes its caller; raises nothing."""
        began = time.perf_counter()
        try:
            self._attempt(batch)
        except Exception as error:  # whatever it is, the callers must hear of it
            fault = self._connection.fault(error)
            self._connection.rollback()
            if fault is WriterFault.OWN:
                _fail(batch, error)
            elif self._committing and fault not in _HOLDS_NOTHING:
                # COMMIT was sent and not answered: nobody knows whether it holds.
                _fail_unavailable(batch, error, fault)
            elif len(batch) > 1 and fault is not WriterFault.LOST:
                for waiting in batch:
                    self._settle([waiting], attempt=attempt)
                return
            elif attempt < _ATTEMPTS[fault]:
                self._settle(batch, attempt=attempt + 1)
                return
            elif fault is WriterFault.TAKEN:
                _fail(batch, error)
            else:
                _fail_unavailable(batch, error, fault)
        for waiting in batch:
            if waiting.is_urgent:
                waiting.resume()
        seconds = time.perf_counter() - began
        self._loop.call_soon_threadsafe(self._deliver, batch, seconds)

    def _attempt(self, batch: list[_Waiting]) -> None:
        """Runs the batch in one transaction. Raises an error that makes it void for all
        commands.
        """
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

    def _deliver(self, batch: list[_Waiting], seconds: float) -> None:
        """Publishes the events of the batch, on the event loop, and then resumes its callers. The
        batch has taken so many seconds.
        """
        self._metrics.observe(WRITE_GROUPS, seconds)
        self._metrics.count(WRITE_COMMANDS, by=len(batch))
        for waiting in batch:
            for topic, told in waiting.published:
                try:
                    self._bus.publish(topic, told)
                except Exception as error:  # a listener's; the others and the callers go on
                    context = {"message": "an event was not published", "exception": error}
                    self._loop.call_exception_handler(context)
        for waiting in batch:
            waiting.resume()


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for waiting in batch:
        waiting.fail(error)


def _fail_unavailable(batch: list[_Waiting], error: Exception, fault: WriterFault) -> None:
    for waiting in batch:
        waiting.fail(unavailable_error(error, fault))


def unavailable_error(cause: Exception, fault: WriterFault = WriterFault.REFUSED) -> Unavailable:
    """Returns the error that the user sees; the cause is for the log."""
    error = disk_full_error() if fault is WriterFault.FULL else Unavailable(_AWAY)
    error.__cause__ = cause
    return error


def disk_full_error() -> Unavailable:
    """Returns the error of a full disk."""
    return Unavailable(_FULL, code="disk_full")
