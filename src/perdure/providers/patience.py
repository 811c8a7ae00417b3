"""Waiting for a model server that is loading its model, or cannot be reached.

A server that starts again with the machine takes a minute or two before it answers, and the runs
that were taken up again must not fail meanwhile. A run that expires ends the wait.
"""

import asyncio
from typing import NamedTuple

import structlog

from perdure.clock import Clock, SystemClock
from perdure.errors import ProviderError

_log = structlog.get_logger(__name__)

# One that has never answered is likely not there at all.
STRANGER_SECONDS = 10.0
# A server that says when to come back is not believed beyond this.
_LONGEST_REST = 10.0


class Patience(NamedTuple):
    """Limits of a wait: `seconds` in all, and a retry every `look_seconds`."""

    seconds: float = 120.0
    clock: Clock = SystemClock()
    look_seconds: float = 1.0


class NotReadyError(Exception):
    """An error of a server that may answer in a minute: `reason` says why it does not now, for the
    log.

    `error` is raised for the run after `limit` seconds, or at the end of the patience.
    """

    def __init__(
        self,
        error: ProviderError,
        reason: str,
        *,
        limit: float | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.reason = reason
        self.limit = limit
        self.retry_after = retry_after


class Waits:
    """The waits for one server. They are logged together: when the first begins, when the reason
    changes, and when the server has answered one of them.
    """

    def __init__(self, patience: Patience, where: str) -> None:
        self.patience = patience
        self._where = where
        self._told: str | None = None

    @property
    def seconds(self) -> float:
        """The longest time that a request waits."""
        return self.patience.seconds

    def new_wait(self) -> "Wait":
        """Returns the wait of a request, which may never begin."""
        return Wait(self)

    def log_begin(self, reason: str, limit: float) -> None:
        """Logs that a wait has begun."""
        if self._told != reason:
            self._told = reason
            _log.warning("model_server_not_ready", server=self._where, reason=reason, seconds=limit)

    def log_end(self, waited: float) -> None:
        """Logs that the server has answered a request that waited."""
        if self._told is not None:
            self._told = None
            _log.info("model_server_ready", server=self._where, seconds=round(waited, 1))


class Wait:
    """The wait of one request."""

    def __init__(self, waits: Waits) -> None:
        self._waits = waits
        self._patience = waits.patience
        self._began: float | None = None

    async def rest(self, fault: NotReadyError) -> None:
        """Sleeps before the next try. Raises the fault's error once its limit has passed."""
        now, most = self._patience.clock.now(), self._patience.seconds
        limit = most if fault.limit is None else min(fault.limit, most)
        if self._began is None:
            self._began = now
            self._waits.log_begin(fault.reason, limit)
        if now - self._began >= limit:
            raise fault.error from fault
        await asyncio.sleep(min(fault.retry_after or self._patience.look_seconds, _LONGEST_REST))

    def end(self) -> None:
        """Ends the wait: the server has answered."""
        if self._began is not None:
            self._waits.log_end(self._patience.clock.now() - self._began)
