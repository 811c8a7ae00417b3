"""Retries of calls to model servers: which errors are retried, and how that is logged."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina
import structlog
from stamina.instrumentation import RetryDetails

from perdure.errors import ProviderError
from perdure.providers.refusals import Refusal

T = TypeVar("T")

_ATTEMPTS = 4
# Seconds between two attempts, at most, where the server names no other.
_LONGEST_BACKOFF = 8.0
# A server that wants to be left alone for longer is not asked again.
_LONGEST_WAIT = 30.0

_log = structlog.get_logger(__name__)


class TransientError(Exception):
    """An error after which the call may be retried, in `retry_after` seconds if the server gave
    them.
    """

    def __init__(self, error: ProviderError, retry_after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after = retry_after


async def run(attempt: Callable[[], Awaitable[T]]) -> T:
    """Calls `attempt` until it does not raise a `TransientError`, a few times at most. Raises the
    error of the last one.
    """
    try:
        async for each in stamina.retry_context(
            on=_wait_before, attempts=_ATTEMPTS, timeout=None, wait_max=_LONGEST_BACKOFF
        ):
            with each:
                return await attempt()
    except TransientError as transient:
        raise transient.error from transient
    raise AssertionError("a retry without an outcome")


def error_of(refusal: Refusal, error: ProviderError) -> Exception:
    """Returns the error to raise for a transient refusal: one that is retried, unless the server
    wants to be left alone for too long.
    """
    if (refusal.retry_after or 0) > _LONGEST_WAIT:
        return error
    return TransientError(error, refusal.retry_after)


def _wait_before(error: Exception) -> bool | float:
    """Returns true if the call may be retried, or the seconds to wait if the server gave them."""
    if not isinstance(error, TransientError):
        return False
    return True if error.retry_after is None else error.retry_after


def configure_logging() -> None:
    """Logs each retry in the words that a run would fail with.

    It replaces the library's own log events, which name functions of our code.
    """
    stamina.instrumentation.set_on_retry_hooks([_tell])


def _tell(details: RetryDetails) -> None:
    _log.warning(
        "model_call_retried",
        reason=str(details.caused_by),
        attempt=details.retry_num,
        wait_seconds=round(details.wait_for, 1),
    )
