"""The seam to the targets of webhooks: what a sender must do.

`tests/webhooks/` runs against every implementation.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from perdure.errors import PerdureError


class WebhookResponse(NamedTuple):
    """What a target answered: the status, and how long it wants to be left alone, as it said it."""

    status: int
    retry_after: str | None = None


class SendFailed(PerdureError):
    """There was no answer; the message says why and holds no secret and no text of a user."""


class Sender(Protocol):
    """Brings a body to a URL."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookResponse:
        """Posts once, and follows no redirect. Raises `SendFailed`.

        Whoever is cancelled meanwhile does not know whether it has arrived.
        """
        ...

    async def close(self) -> None:
        """Lets go of all connections."""
        ...
