"""Retries of calls to model servers: which errors are retried, and how that is logged."""

import stamina
import structlog
from stamina.instrumentation import RetryDetails

from perdure.errors import ProviderError

_log = structlog.get_logger(__name__)


class TransientError(Exception):
    """An error after which the call may be retried, in `retry_after` seconds if the server gave
    them.
    """

    def __init__(self, error: ProviderError, retry_after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after = retry_after


def wait_before(error: Exception) -> bool | float:
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
