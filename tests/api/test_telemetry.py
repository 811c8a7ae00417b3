"""Spans and metrics that a server sends by OpenTelemetry: a tree for each run, and no texts."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator

import httpx2
import pytest

from perdure.app import Perdure
from perdure.parsing.parser import Parser
from perdure.testing.manual_clock import ManualClock
from tests.api.admin import ADMIN
from tests.api.test_observation import ID, MARK, PROGRAM, Scenario
from tests.model_servers.fixture import ModelServer
from tests.telemetry.receiver import OtlpReceiver, Told, receiving_otlp

TRACE, ABOVE = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{ABOVE}-01"
NOT_SAMPLED = f"00-{TRACE}-{ABOVE}-00"


@pytest.fixture
async def otlp() -> AsyncIterator[OtlpReceiver]:
    async with receiving_otlp() as otlp:
        yield otlp


@pytest.fixture
def signals() -> tuple[str, ...]:
    return ("TRACES", "METRICS")


@pytest.fixture
def lent(parser: Parser) -> Parser:
    return parser


@pytest.fixture
def chosen(
    otlp: OtlpReceiver,
    signals: tuple[str, ...],
    model_server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, object]:
    for name, value in otlp.variables(*signals).items():
        monkeypatch.setenv(name, value)
    servers = [
        {"name": "scripted", "base_url": "scripted:", "models": ["scripted"]},
        {"name": "elsewhere", "base_url": model_server.base_url, "models": ["there"]},
    ]
    return {
        "api_keys": [PROGRAM],
        "admin_key": ADMIN,
        "code_sandbox": "scripted",
        "code_spare_sessions": 0,
        "model_aliases": {"gpt-4o": "scripted"},
        "model_servers": servers,
    }


async def spans_of(app: Perdure, otlp: OtlpReceiver) -> list[Told]:
    """All spans, once the server has sent what it had."""
    await app.telemetry.close()
    return otlp.spans


def traceparent_of(model_server: ModelServer) -> str | None:
    """The header of the only request that the model server got."""
    (request,) = model_server.seen()
    headers = request["headers"]
    assert isinstance(headers, dict)
    return headers.get("traceparent")


async def test_a_run_is_a_tree_of_spans(
    app: Perdure, http: httpx2.AsyncClient, otlp: OtlpReceiver, clock: ManualClock
) -> None:
    scenario = Scenario(http, PROGRAM)
    store = await scenario.store()
    run = await scenario.run(
        f'call: file_search {{"queries": ["{MARK}"]}}',
        tools=[{"type": "file_search"}],
        tool_resources={"file_search": {"vector_store_ids": [store]}},
        model="scripted",
    )
    spans = {span.name: span for span in await spans_of(app, otlp)}
    root, tool = spans["invoke_agent"], spans["execute_tool file_search"]
    assert root.parent_id == ""
    assert {span.trace_id for span in otlp.spans} == {root.trace_id}
    assert {span.parent_id for span in otlp.spans if span.name == "chat scripted"} == {root.span_id}
    assert tool.parent_id == root.span_id
    assert spans[f"retrieval {store}"].parent_id == tool.span_id
    assert Counter(span.kind for span in otlp.spans) == {"INTERNAL": 2, "CLIENT": 3}
    assert len({span.span_id for span in otlp.spans}) == 5
    assert root.attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.id": run["assistant_id"],
        "gen_ai.conversation.id": run["thread_id"],
        "gen_ai.request.model": "scripted",
        "gen_ai.usage.input_tokens": run["usage"]["prompt_tokens"],
        "gen_ai.usage.output_tokens": run["usage"]["completion_tokens"],
        "perdure.run.id": run["id"],
        "perdure.run.status": "completed",
        "perdure.project.id": "proj_default",
    }
    assert (root.started_at, root.ended_at) == pytest.approx((clock.now(), clock.now()))
    assert root.resource["service.name"] == "perdure"
    assert root.resource["service.instance.id"] == app.identity.id
    assert tool.attributes["gen_ai.tool.type"] == "datastore"
    assert tool.attributes["gen_ai.tool.name"] == "file_search"
    assert str(tool.attributes["gen_ai.tool.call.id"]).startswith("call_")
    for span in otlp.spans:
        assert span.attributes["gen_ai.conversation.id"] == run["thread_id"]
        assert not span.is_error


async def test_what_fails_is_an_error_with_its_code(
    app: Perdure, http: httpx2.AsyncClient, otlp: OtlpReceiver
) -> None:
    await Scenario(http, PROGRAM).run("fail: rate_limit_exceeded", model="scripted")
    spans = await spans_of(app, otlp)
    assert {span.name for span in spans} == {"invoke_agent", "chat scripted"}
    for span in spans:
        assert span.is_error
        assert span.attributes["error.type"] == "rate_limit_exceeded"


async def test_neither_spans_nor_metrics_have_texts_or_secrets_and_metrics_have_no_ids(
    app: Perdure, http: httpx2.AsyncClient, otlp: OtlpReceiver
) -> None:
    scenario = Scenario(http, PROGRAM)
    await scenario.play()
    spans = await spans_of(app, otlp)
    assert len(spans) > 10
    assert {span.attributes["gen_ai.operation.name"] for span in spans} == {
        "chat", "execute_tool", "invoke_agent", "retrieval"
    }  # fmt: skip
    for body in otlp.bodies:
        assert MARK.encode() not in body
        assert ADMIN.encode() not in body
    assert otlp.metrics.keys() == {
        "gen_ai.client.inference.duration",
        "gen_ai.client.inference.time_to_first_chunk",
        "gen_ai.client.inference.usage.input_tokens",
        "gen_ai.client.inference.usage.output_tokens",
        "gen_ai.execute_tool.duration",
        "gen_ai.invoke_agent.duration",
    }
    assert ID.findall(repr(otlp.metrics)) == []


@pytest.mark.parametrize("header", [SAMPLED, NOT_SAMPLED])
async def test_a_run_belongs_to_the_trace_of_its_request_and_the_model_server_is_told(
    app: Perdure,
    http: httpx2.AsyncClient,
    otlp: OtlpReceiver,
    model_server: ModelServer,
    header: str,
) -> None:
    http.headers["traceparent"] = header
    run = await Scenario(http, PROGRAM).run("say: hello", model="there")
    sent = traceparent_of(model_server)
    assert sent is not None
    version, trace_id, span_id, flags = sent.split("-")
    assert (version, trace_id, flags) == ("00", TRACE, header[-2:])
    spans = {span.name: span for span in await spans_of(app, otlp)}
    if header is NOT_SAMPLED:
        assert spans == {}
        return
    root, call = spans["invoke_agent"], spans["chat there"]
    assert (root.trace_id, root.parent_id) == (TRACE, ABOVE)
    assert (call.trace_id, call.parent_id, call.span_id) == (TRACE, root.span_id, span_id)
    assert root.span_id == hashlib.sha256(f"perdure span {run['id']}".encode()).hexdigest()[:16]


class TestSentNowhere:
    """Without variables of OpenTelemetry."""

    @pytest.fixture
    def signals(self) -> tuple[str, ...]:
        return ()

    @pytest.mark.parametrize("header", [SAMPLED, None, "00-0-0-01"])
    async def test_the_place_in_a_trace_goes_on_to_the_model_server(
        self,
        app: Perdure,
        http: httpx2.AsyncClient,
        otlp: OtlpReceiver,
        model_server: ModelServer,
        header: str | None,
    ) -> None:
        if header:
            http.headers["traceparent"] = header
        await Scenario(http, PROGRAM).run("say: hello", model="there")
        assert traceparent_of(model_server) == (header if header == SAMPLED else None)
        assert await spans_of(app, otlp) == []


async def test_a_receiver_that_fails_or_hangs_delays_no_run(
    app: Perdure, http: httpx2.AsyncClient, otlp: OtlpReceiver
) -> None:
    scenario = Scenario(http, PROGRAM)
    otlp.status = 400
    assert (await scenario.run("say: hello", model="scripted"))["status"] == "completed"
    otlp.open.clear()
    for _ in range(3):
        assert (await scenario.run("say: hello", model="scripted"))["status"] == "completed"
    otlp.open.set()
