"""The interface of publish/subscribe and dispatch.

A bus carries facts and is never their only home. `tests/bus/` runs against every implementation.
"""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Protocol

from perdure.wire.events import Notice, Publication, StreamItem

# Takes deltas that were published, in order. Returns False if it takes no more until the next wait.
DeltaReceiver = Callable[[list[StreamItem]], bool]


class Subscription(Protocol):
    """A subscription to one topic."""

    seq: int | None
    """The last event that was published on the topic before this subscription began, while a
    worker of this server has the run. The subscription starts with the deltas since then. None:
    no such event is known.
    """

    async def next(self, pass_on: DeltaReceiver | None = None) -> list[StreamItem]:
        """Waits until something was published, and returns all of it in order.

        For a subscriber that lags behind, deltas of the same part are joined, so that its queue
        never outgrows the text itself. An empty list means that `wake` was called.

        With `pass_on` the wait goes on while only deltas come: they are given to it by the event
        loop, those of one moment together, which costs less than a task switch. Its exception is
        raised here.
        """
        ...

    def wake(self) -> None:
        """Makes a waiting `next` return, with an empty list if nothing was published."""
        ...

    def close(self) -> None:
        """Ends the subscription, and wakes a waiting `next`."""
        ...


class Bus(Protocol):
    """Carries the events of a run to its subscribers, and queued work to workers.

    A topic is a run's id, names a file of a vector store, or is the `runs_topic` of a project.
    """

    def publish(self, topic: str, item: Publication) -> None:
        """Passes the item on to its receivers; never waits.

        `Queued` and `Waiting` go to the workers, and only once if they are published several times
        before one has time. `Interrupted` goes to the worker that holds the run or file.
        Notices go to who observes this server. All else goes to the subscribers of the topic.
        """
        ...

    def subscribe(self, topic: str) -> Subscription:
        """Returns a subscription to what is published from now on."""
        ...

    async def next_runs(self) -> None:
        """Waits until runs may wait for a worker."""
        ...

    async def next_files(self) -> None:
        """Waits until files may wait to be ingested."""
        ...

    def on_interrupt(
        self, topic: str, callback: Callable[[], None]
    ) -> AbstractContextManager[None]:
        """Calls the function whenever the work is interrupted, as long as the context is open."""
        ...

    def interruptions(self) -> AbstractContextManager[Collection[str]]:
        """Collects the topics that are interrupted as long as the context is open, for a worker
        that is being given work and does not know yet which.
        """
        ...

    def observe(self, callback: Callable[[Notice], None]) -> None:
        """Calls the function with each notice that this server publishes, from now on."""
        ...

    def leave(self, topic: str) -> None:
        """Says that this server no longer works on the run: nothing is kept for later
        subscribers.
        """
        ...

    def close(self, reason: str) -> None:
        """Sends all subscribers the end of what this server publishes."""
        ...
