"""The standard `OTEL_…` variables, as far as they decide what is sent. What is not read here, such
as addresses, headers, certificates, sampling and sizes of queues, OpenTelemetry's library reads.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Exporter = Literal["otlp", "console"]


class WantedTelemetry(NamedTuple):
    """The exporters of spans and of metrics; None: they are not sent."""

    spans: Exporter | None = None
    metrics: Exporter | None = None


def read(variables: Mapping[str, str]) -> WantedTelemetry:
    """Returns what the variables ask for. A signal is sent if its exporter or an address for it is
    named. Raises `ValueError` for an exporter or a protocol that there is not.
    """
    if variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return WantedTelemetry()
    return WantedTelemetry(_exporter(variables, "TRACES"), _exporter(variables, "METRICS"))


def _exporter(variables: Mapping[str, str], signal: str) -> Exporter | None:
    name = f"OTEL_{signal}_EXPORTER"
    named = variables.get(name, "").strip().lower()
    prefix = "OTEL_EXPORTER_OTLP"
    has_address = variables.get(f"{prefix}_ENDPOINT") or variables.get(
        f"{prefix}_{signal}_ENDPOINT"
    )
    if named in ("", "otlp"):
        if not (named or has_address):
            return None
        for variable in (f"{prefix}_{signal}_PROTOCOL", f"{prefix}_PROTOCOL"):
            protocol = variables.get(variable, "").strip().lower()
            if protocol:
                if protocol != "http/protobuf":
                    raise ValueError(f"{variable} must be http/protobuf: Perdure sends no other.")
                break
        return "otlp"
    if named == "console":
        return "console"
    if named == "none":
        return None
    raise ValueError(f"{name} must be otlp, console or none.")
