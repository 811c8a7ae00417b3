"""The loop that delivers events to the webhooks.

Each webhook has a fixed number of places, so that a slow target delays no other. A delivery that
was sent and not recorded, because the server died in between, is sent again with the same id: the
promise is at least once, in any order.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import structlog

from perdure.clock import Clock
from perdure.errors import Unavailable
from perdure.metrics import WEBHOOKS, Metrics
from perdure.storage.database import Database
from perdure.webhooks import deliveries, redelivery, signature
from perdure.webhooks.deliveries import Delivery, WebhookSubscription
from perdure.webhooks.redelivery import Again, Arrived, GivenUp, Gone
from perdure.webhooks.sender import Sender, SendFailed, WebhookResponse
from perdure.wire.base import encode

_log = structlog.get_logger(__name__)

# Deliveries to one webhook that are under way at once.
AT_ONCE = 8
# Longer than a sender may take, so that nobody sends what is being sent.
LEASE_SECONDS = 30.0


class Webhook(NamedTuple):
    """The target of the events of a project; `key` signs them."""

    name: str
    project: str
    url: str
    key: bytes
    events: tuple[str, ...]


class Webhooks:
    """The deliveries of one server; every server of a database may make them. Without a webhook,
    the sender may be None.
    """

    def __init__(
        self,
        known: Iterable[Webhook],
        sender: Sender | None,
        *,
        database: Database,
        clock: Clock,
        metrics: Metrics | None = None,
    ) -> None:
        self._metrics = metrics or Metrics()
        self._known = {webhook.name: webhook for webhook in known}
        self._sender = sender
        self._database = database
        self._clock = clock
        self._under_way: dict[asyncio.Task[None], str] = {}

    async def configure(self) -> None:
        """Writes the subscriptions into the database, at the start of a server."""
        subscriptions = [
            WebhookSubscription(webhook.name, webhook.project, event)
            for webhook in self._known.values()
            for event in webhook.events
        ]
        await self._database.write(deliveries.configure, subscriptions, now=int(self._clock.now()))

    async def step(self) -> None:
        """Begins to send the deliveries that are due, and waits for none of them."""
        under_way = list(self._under_way.values())
        free = {name: AT_ONCE - under_way.count(name) for name in self._known}
        for delivery in await self._claim(free):
            self._begin(delivery)

    async def settle(self, seconds: float | None = None) -> None:
        """Waits for the attempts that are under way, at most so many seconds. The others are sent
        again when their lease has run out.
        """
        if not self._under_way:
            return
        _, late = await asyncio.wait(self._under_way, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def finish(self, seconds: float) -> None:
        """Sends what is due when a server stops, and waits at most so many seconds for it: a run
        may have ended since the last look, and nobody may start the server again.
        """
        try:
            await self.step()
        except Unavailable as error:
            _log.info("webhooks_not_looked_for", reason=error.message)
        await self.settle(seconds)

    async def close(self) -> None:
        """Closes the sender's connections."""
        if self._sender is not None:
            await self._sender.close()

    async def _claim(self, most: Mapping[str, int]) -> list[Delivery]:
        """Returns deliveries that are due, for each webhook so many at most."""
        open_ = [name for name, places in most.items() if places > 0]
        if not open_:
            return []
        now = self._clock.now()
        # Mostly there is nothing, and a look costs less than a write.
        due = await self._database.read(deliveries.due, open_, now=now)
        if not due:
            return []
        return await self._database.write(
            deliveries.claim,
            {name: most[name] for name in due},
            now=now,
            lease_seconds=LEASE_SECONDS,
        )

    def _begin(self, delivery: Delivery) -> None:
        """Takes a place of the webhook for this delivery, and for what is due after it."""
        task = asyncio.create_task(self._work(delivery), name=delivery.id)
        self._under_way[task] = delivery.webhook

        def end(task: asyncio.Task[None]) -> None:
            del self._under_way[task]
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.error("webhook_broke", webhook=delivery.webhook, exc_info=error)

        task.add_done_callback(end)

    async def _work(self, delivery: Delivery) -> None:
        claimed = [delivery]
        while claimed:
            await self._deliver(claimed[0])
            claimed = await self._claim({delivery.webhook: 1})

    async def _deliver(self, delivery: Delivery) -> None:
        answer = await self._send(delivery)
        responded = answer.status if isinstance(answer, WebhookResponse) else None
        now = self._clock.now()
        named = _named(delivery)

        async def write(command: Callable[..., None], **values: object) -> None:
            await self._database.write(command, delivery, response_status=responded, **values)

        def count(outcome: str) -> None:
            self._metrics.count(WEBHOOKS, delivery.webhook, outcome)

        match redelivery.decide(delivery, answer, now=now):
            case Arrived():
                await write(deliveries.deliver, now=int(now))
                count("delivered")
                _log.info("webhook_delivered", **named)
            case Again(due_at, error):
                await write(deliveries.postpone, due_at=due_at, error=error)
                wait = round(due_at - now)
                count("postponed")
                _log.info("webhook_postponed", **named, error=error, seconds=wait)
            case GivenUp(error):
                await write(deliveries.give_up, now=int(now), error=error)
                count("given_up")
                _log.warning("webhook_given_up", **named, error=error)
            case Gone(error):
                await write(deliveries.disable, now=int(now), error=error)
                count("silenced")
                _log.warning("webhook_silenced", **named, error=error)

    async def _send(self, delivery: Delivery) -> WebhookResponse | str:
        """Returns the target's response, or the reason why there is none."""
        webhook, sender = self._known[delivery.webhook], self._sender
        assert sender is not None  # noqa: S101 # there is a webhook
        body = body_of(delivery)
        headers = signature.headers(delivery.id, body, key=webhook.key, now=int(self._clock.now()))
        headers["content-type"] = "application/json"
        try:
            return await sender.send(webhook.url, headers, body)
        except SendFailed as failed:
            return str(failed)


def body_of(delivery: Delivery) -> bytes:
    """Returns the body to send, the same at each attempt: the fields of OpenAI's own webhooks, and
    those of the Standard Webhooks convention.
    """
    timestamp = datetime.fromtimestamp(delivery.told_at, UTC).isoformat().replace("+00:00", "Z")
    head = encode(
        {
            "id": delivery.id,
            "object": "event",
            "type": delivery.event,
            "created_at": delivery.told_at,
            "timestamp": timestamp,
        }
    )
    return head[:-1] + b',"data":' + delivery.data.encode() + b"}"


def _named(delivery: Delivery) -> dict[str, object]:
    return {
        "webhook": delivery.webhook,
        "event_id": delivery.id,
        "run_id": delivery.run_id,
        "told": delivery.event,
        "attempt": delivery.attempt,
    }
