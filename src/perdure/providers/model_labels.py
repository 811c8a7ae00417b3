"""Names of models for metrics: those that the settings or a model server list, and no others."""

import asyncio

from perdure.clock import Clock
from perdure.errors import ProviderError
from perdure.metrics import OTHER
from perdure.providers.router import Router

# How often the lists of the servers are fetched again for a name that none of them has.
_SECONDS = 60.0


class ModelLabels:
    """Finds the names of one server's models. A program may ask for any name, so one that nobody
    lists is `other`.
    """

    def __init__(self, router: Router, clock: Clock) -> None:
        self._router = router
        self._clock = clock
        self._fetched_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    def of(self, model: str) -> tuple[str, str]:
        """Returns the name of the model's server and of the model there. A name that is not known
        leads to a look at the lists, for the next time.
        """
        try:
            server, name = self._router.resolve(model)
        except ProviderError:
            return OTHER, OTHER
        if self._router.is_listed(server, name):
            return server.name, name
        self._fetch_soon()
        return server.name, OTHER

    async def close(self) -> None:
        """Ends a look that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _fetch_soon(self) -> None:
        now = self._clock.now()
        if now - self._fetched_at >= _SECONDS:
            self._fetched_at = now
            self._fetching = asyncio.create_task(self._router.refresh(), name="model lists")
