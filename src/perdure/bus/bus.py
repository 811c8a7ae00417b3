"""The seam of publish/subscribe and dispatch: what a bus must do.

A bus carries; it is never the only home of a fact. `tests/bus/` runs against every
implementation.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from perdure.wire.events import Closing, Delta, Event, Told


class Subscription(Protocol):
    """One listener's place on a topic."""

    seq: int | None
    """The last event that was told on the topic before this listener came, while the run is
    worked on here; the listener is given the deltas since then first. None: nothing is known.
    """

    async def next(self) -> list[Event | Delta | Closing]:
        """Waits until something was told and takes all of it, in order.

        For a listener that lags behind, deltas of the same part are joined, so that what waits
        for it never outgrows the text itself. Nothing at all means that it was woken.
        """
        ...

    def wake(self) -> None:
        """Lets who waits in `next` return, with nothing if there is nothing."""
        ...

    def close(self) -> None:
        """Leaves the topic, and wakes who waits."""
        ...


class Bus(Protocol):
    """Carries what is told about a run to its listeners, and queued work to workers.

    A topic is a run's id, or names a file of a vector store.
    """

    def publish(self, topic: str, told: Told) -> None:
        """Tells whom it concerns; never waits.

        `Queued` and `Waiting` go to one worker, once however often they are told before it has
        time, `Interrupted` to the worker that holds the run or file, all else to the listeners
        of the topic.
        """
        ...

    def subscribe(self, topic: str) -> Subscription:
        """Listens from now on."""
        ...

    async def next_run(self) -> str:
        """Waits for the next run that is for this worker."""
        ...

    async def next_files(self) -> None:
        """Waits until files may wait to be ingested."""
        ...

    def on_interrupt(
        self, topic: str, callback: Callable[[], None]
    ) -> AbstractContextManager[None]:
        """Calls back whenever the work is interrupted, as long as the context is open."""
        ...

    def leave(self, topic: str) -> None:
        """The run is worked on here no more: nothing is kept for listeners that come later."""
        ...

    def close(self, reason: str) -> None:
        """Tells all listeners that nothing more comes from here."""
        ...
