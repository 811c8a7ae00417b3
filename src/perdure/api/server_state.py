"""Facts about this server that are in no database."""

import asyncio
from collections.abc import Callable, Sequence

from perdure.api.self_report import SelfReport
from perdure.commands.servers import ServerIdentity
from perdure.wire.model_servers import ModelWindow


class ServerState:
    """The state of this server. `runs_in_hand` counts the runs that it works on, and `windows` are
    the context windows of models that it has learnt.
    """

    def __init__(
        self,
        identity: ServerIdentity,
        *,
        runs_in_hand: Callable[[], int],
        windows: Callable[[], Sequence[ModelWindow]],
    ) -> None:
        self.identity = identity
        self.runs_in_hand = runs_in_hand
        self.windows = windows
        # Set by the command that serves; without it the server has no report on itself.
        self.self_report: SelfReport | None = None
        self._making: asyncio.Future[bytes] | None = None

    async def report(self) -> bytes | None:
        """Returns the report of the server on itself; None where it has none.

        It takes seconds and starts a sandbox: whoever asks meanwhile is given the same.
        """
        if self.self_report is None:
            return None
        if self._making is None or self._making.done():
            self._making = asyncio.ensure_future(self.self_report.make())
        return await asyncio.shield(self._making)
