"""The seam below the bus of several servers: the carrier of its messages.

A link may lose a message, and may deliver one that no server has sent. So nothing must depend on a
message, and none is believed without a look at the database.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol


class LinkMessage(NamedTuple):
    """A message on its way: to one server, or to all servers where `to` is None."""

    to: str | None
    payload: str


class LinkDown(Exception):
    """The messages were not sent, or nobody knows whether they were."""


class BusLink(Protocol):
    """Carries messages between the servers of one database; each has its name from its maker."""

    most_bytes: int
    """The longest payload, in bytes of UTF-8."""

    async def listen(self, received: Callable[[str], None], connected: Callable[[], None]) -> None:
        """Calls `received` with each message for this server or for all, and `connected` whenever
        it is listening from now on, since what was sent before may be lost. Never returns; connects
        again by itself.
        """
        ...

    async def send(self, messages: Sequence[LinkMessage]) -> None:
        """Sends messages together, in their order. Raises `LinkDown`."""
        ...

    def reconnect(self) -> None:
        """Gives the connection up that listens: it seems to be dead."""
        ...

    async def close(self) -> None:
        """Disconnects."""
        ...
