"""What is known of model servers by their refusals, so that a request is refused once and not in
every run: what whoever keeps it must do.
"""

from collections.abc import Set
from typing import Protocol


class AdjustmentMemory(Protocol):
    """Keeps the names of adjustments by model server (its base URL, as messages show it) and
    model.
    """

    async def of(self, server: str, model: str) -> frozenset[str]:
        """What is known of a model of a server."""
        ...

    async def learn(self, server: str, model: str, names: Set[str]) -> None:
        """Adds to what is known."""
        ...


class ProcessAdjustmentMemory:
    """Keeps it as long as the process."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], frozenset[str]] = {}

    async def of(self, server: str, model: str) -> frozenset[str]:
        return self._known.get((server, model), frozenset())

    async def learn(self, server: str, model: str, names: Set[str]) -> None:
        # Another request may have learnt something else meanwhile.
        self._known[server, model] = self._known.get((server, model), frozenset()) | names
