"""What is sent, as the variables say; and a server that closes while nobody answers."""

import sys
from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from perdure import telemetry
from perdure.errors import ConfigurationError
from perdure.telemetry import environment
from perdure.telemetry.environment import WantedTelemetry
from perdure.telemetry.exporter import SpannedRun, Telemetry
from perdure.telemetry.otlp import OtlpTelemetry
from tests.patience import until
from tests.telemetry.receiver import receiving_otlp
from tests.wire.test_objects import RUN

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, WantedTelemetry()),
        ({"OTEL_SERVICE_NAME": "app"}, WantedTelemetry()),
        ({ENDPOINT: "http://a:4318"}, WantedTelemetry("otlp", "otlp")),
        ({TRACES_ENDPOINT: "http://a:4318"}, WantedTelemetry("otlp", None)),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, WantedTelemetry("otlp", None)),
        ({"OTEL_METRICS_EXPORTER": "Console"}, WantedTelemetry(None, "console")),
        ({ENDPOINT: "http://a", "OTEL_METRICS_EXPORTER": "none"}, WantedTelemetry("otlp", None)),
        ({ENDPOINT: "http://a", "OTEL_SDK_DISABLED": "TRUE"}, WantedTelemetry()),
        ({ENDPOINT: "http://a", "OTEL_SDK_DISABLED": "1"}, WantedTelemetry("otlp", "otlp")),
        (
            {ENDPOINT: "http://a", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
            WantedTelemetry("otlp", "otlp"),
        ),
        # that of the signal comes first
        (
            {
                TRACES_ENDPOINT: "http://a",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            },
            WantedTelemetry("otlp", None),
        ),
    ],
)
def test_a_signal_is_sent_if_its_exporter_or_its_address_is_named(
    variables: Mapping[str, str], wanted: WantedTelemetry
) -> None:
    assert environment.read(variables) == wanted


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({ENDPOINT: "http://a", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "PROTOCOL must be http"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER must be"),
        ({"OTEL_METRICS_EXPORTER": "prometheus"}, "OTEL_METRICS_EXPORTER must be"),
    ],
)
def test_what_there_is_not_is_refused_by_the_name_of_its_variable(
    variables: Mapping[str, str], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named):
        telemetry.connect(variables, version="1", instance="server_1")


def test_without_the_extra_nothing_is_sent_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "perdure.telemetry.otlp", None)
    with capture_logs() as lines:
        found = telemetry.connect({ENDPOINT: "http://a"}, version="1", instance="server_1")
    assert type(found) is Telemetry
    assert [line["event"] for line in lines] == ["telemetry_not_sent"]


async def test_a_server_that_closes_does_not_wait_for_a_receiver_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with receiving_otlp() as otlp:
        for name, value in otlp.variables("TRACES").items():
            monkeypatch.setenv(name, value)
        sending = OtlpTelemetry(
            WantedTelemetry("otlp"), version="1", instance="server_1", close_seconds=0.05
        )
        otlp.open.clear()
        sending.end_run(SpannedRun(RUN, "proj_default", None, 1.0), "m", 2.0)
        await until(lambda: otlp.bodies)
        await sending.close()
        assert otlp.spans == []
