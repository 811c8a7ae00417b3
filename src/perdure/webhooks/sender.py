"""The interface to the targets of webhooks.

`tests/webhooks/` runs against every implementation.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from perdure.errors import PerdureError


class WebhookResponse(NamedTuple):
    """The response of a target: the status, and the value of `Retry-After` as it was sent."""

    status: int
    retry_after: str | None = None


class SendFailed(PerdureError):
    """The target did not respond. The message says why and holds no secret and no text of a
    user.
    """


class Sender(Protocol):
    """Sends a body to a URL."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookResponse:
        """Posts once, and follows no redirect. Raises `SendFailed`.

        A caller that is cancelled meanwhile does not know if the request has arrived.
        """
        ...

    async def close(self) -> None:
        """Closes all connections."""
        ...
