"""A response of server-sent events that stays open until its events end or its client goes."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from perdure.api.http import wait_for_disconnect
from perdure.bus.bus import Subscription

# Without an empty line: behind an event with an id, SDKs in Python take one for an event without
# data, and break.
KEEP_ALIVE = b": keep-alive\n"


class LiveResponse(Response):
    """Sends what `_follow` sends. A client's disconnect sets `_gone` and ends the subscription,
    which wakes whoever waits for its next item.
    """

    media_type = "text/event-stream"

    def __init__(self, subscription: Subscription) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._subscription = subscription
        self._gone = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        disconnect = asyncio.ensure_future(wait_for_disconnect(receive))
        disconnect.add_done_callback(lambda _: self._disconnected())
        try:
            await self._prepare()
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            await self._follow(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            disconnect.cancel()
            self._subscription.close()

    async def _prepare(self) -> None:
        """Does what must be done before the client sees the stream open."""

    async def _follow(self, send: Send) -> None:
        """Sends events until they end, or the client has gone."""
        raise NotImplementedError

    async def _send(self, send: Send, body: bytes) -> None:
        if body:
            await send({"type": "http.response.body", "body": body, "more_body": True})

    def _disconnected(self) -> None:
        self._gone = True
        self._subscription.close()
