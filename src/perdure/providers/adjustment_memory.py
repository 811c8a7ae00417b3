"""Storage for the adjustments that model servers were found to need.

With it a request is refused once, and not again in every run.
"""

from collections.abc import Set
from typing import Protocol


class AdjustmentMemory(Protocol):
    """Stores the names of adjustments by model server and model. A server is named by its base URL,
    as messages show it.
    """

    async def of(self, server: str, model: str) -> frozenset[str]:
        """Returns the names of the adjustments that are known for a model of a server."""
        ...

    async def learn(self, server: str, model: str, names: Set[str]) -> None:
        """Adds names to those that are known for a model of a server."""
        ...


class ProcessAdjustmentMemory:
    """Stores adjustments in memory, for as long as the process lives."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], frozenset[str]] = {}

    async def of(self, server: str, model: str) -> frozenset[str]:
        return self._known.get((server, model), frozenset())

    async def learn(self, server: str, model: str, names: Set[str]) -> None:
        # Another request may have learnt something else meanwhile.
        self._known[server, model] = self._known.get((server, model), frozenset()) | names
