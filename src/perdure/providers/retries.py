"""How the log tells of calls that are tried again: in the words that a run would fail with."""

import stamina
import structlog
from stamina.instrumentation import RetryDetails

_log = structlog.get_logger(__name__)


def tell_in_our_words() -> None:
    """Takes the place of what the library logs, which names a part of our code."""
    stamina.instrumentation.set_on_retry_hooks([_tell])


def _tell(details: RetryDetails) -> None:
    _log.warning(
        "model_call_retried",
        reason=str(details.caused_by),
        attempt=details.retry_num,
        wait_seconds=round(details.wait_for, 1),
    )
