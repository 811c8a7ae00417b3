"""OpenTelemetry: spans and metrics of runs, model calls and tools, sent to where the standard
variables say. Without them, nothing is sent and no library is loaded.
"""

from collections.abc import Mapping

import structlog

from perdure.errors import ConfigurationError
from perdure.telemetry import environment
from perdure.telemetry.exporter import Telemetry

_log = structlog.get_logger(__name__)


def connect(variables: Mapping[str, str], *, version: str, instance: str) -> Telemetry:
    """Returns what sends the telemetry that the `OTEL_…` variables ask for; `instance` is the id of
    the server. Raises `ConfigurationError` for values that cannot be obeyed.

    The variables may be there for other programs. So where the extra is not installed, nothing is
    sent, and the log says so.
    """
    try:
        wanted = environment.read(variables)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    if not (wanted.spans or wanted.metrics):
        return Telemetry()
    try:
        # Late, since it takes half a second and 20 MB.
        from perdure.telemetry.otlp import OtlpTelemetry
    except ModuleNotFoundError as error:
        _log.warning("telemetry_not_sent", reason=f"the extra otel is not installed: {error}")
        return Telemetry()
    return OtlpTelemetry(wanted, version=version, instance=instance)
