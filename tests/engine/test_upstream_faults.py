"""What a run says of a model server that fails, through the whole engine."""

import asyncio
import socket

import pytest

from perdure.providers.patience import Patience
from perdure.wire.base import JsonObject, decode, encode
from perdure.wire.events import Delta
from perdure.wire.formats import JsonSchema, JsonSchemaFormat
from perdure.wire.runs import CreateRun, Run
from perdure.wire.tools import FunctionDefinition, FunctionTool
from tests.engine.upstream import KEY, Upstream
from tests.patience import PATIENCE_SECONDS, pass_time, until

BUSY = "rate_limit_exceeded"
BROKEN = "server_error"
WRONG = "invalid_prompt"
# Less than the test waits for the run.
SILENCE_SECONDS = PATIENCE_SECONDS / 2


def error(run: Run) -> tuple[str, str]:
    assert run.last_error is not None
    return run.last_error.code, run.last_error.message


@pytest.mark.parametrize(
    ("model", "code", "message"),
    [
        ("unauthorized", BROKEN, "The model server at {url} refused the API key (HTTP 401). Check "
         "PERDURE_MODEL_API_KEY or the server's api_key in perdure.toml."),
        ("unknown", BROKEN, "The model server at {url} does not know the model 'unknown'. Map the "
         "name to one that it knows under [model_aliases] in perdure.toml. If it knows no model "
         "at all, check its base_url, which usually ends in /v1."),
        ("busy-99", BUSY, "Slow down."),
        ("busy-until-99", BROKEN, "The model server at {url} failed (HTTP 503): Slow down."),
        ("busy-long", BUSY, "Come back in an hour."),
        ("quota", BUSY, "You exceeded your quota."),
        ("failing-99", BROKEN, "The model server at {url} failed (HTTP 500): It broke."),
        ("hangs-up-99", BROKEN, "The connection to the model server at {url} broke."),
        ("bad-gateway", BROKEN, "The model server at {url} failed (HTTP 502): Bad gateway"),
        ("web-page", BROKEN, "The model server at {url} answered with a web page. Check its "
         "base_url, which usually ends in /v1."),
        ("invalid", WRONG, "The model server at {url} refused the request: messages[0] is wrong."),
        ("too-long", WRONG, "The model server at {url} refused the request: This model's limit is "
         "8192."),
        ("echoes-in-stream", BROKEN, "The model server at {url} failed: *** is no key."),
        ("nothing", BROKEN, "The model server at {url} failed: Not in this format."),
    ],
)  # fmt: skip
async def test_a_failure_before_the_first_word_leaves_no_trace_but_the_error(
    upstream: Upstream, model: str, code: str, message: str
) -> None:
    run = await upstream.run(model)
    assert error(run) == (code, message.replace("{url}", upstream.server.base_url))
    assert (run.status, run.usage) == ("failed", None)
    assert await upstream.stage.steps(run) == []
    assert KEY[:4] not in str(encode(run))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("cut-politely", "The model server at {url} ended its answer too early."),
        ("malformed", "The model server at {url} sent what cannot be read as an answer."),
        ("error-event", "The model server at {url} failed: The GPU fell over."),
    ],
)
async def test_a_failure_in_mid_answer_keeps_the_text_and_counts_it(
    upstream: Upstream, model: str, message: str
) -> None:
    run = await upstream.run(model)
    assert error(run) == (BROKEN, message.replace("{url}", upstream.server.base_url))
    assert await upstream.stage.thread(run) == [
        ("user", "completed", "Hello"), ("assistant", "incomplete", "Hello from "),
    ]  # fmt: skip
    (step,) = await upstream.stage.steps(run)
    assert (step.status, step.last_error and step.last_error.message) == ("failed", error(run)[1])
    assert run.usage is not None
    # "Hello" with 3 for its message and 3 for the answer; "Hello from "
    assert (run.usage.prompt_tokens, run.usage.completion_tokens, run.usage.total_tokens) == (
        7, 3, 10,
    )  # fmt: skip


async def test_a_broken_connection_keeps_all_the_text_that_had_arrived(upstream: Upstream) -> None:
    run = await upstream.run("cut")
    message = f"The connection to the model server at {upstream.server.base_url} broke."
    assert error(run) == (BROKEN, message)
    assert await upstream.stage.thread(run) == [
        ("user", "completed", "Hello"), ("assistant", "incomplete", "Hello from "),
    ]  # fmt: skip


async def test_silence_ends_the_run_in_time_and_keeps_what_was_said(upstream: Upstream) -> None:
    upstream.use(idle_seconds=SILENCE_SECONDS)
    message = f"The model server at {upstream.server.base_url} did not answer in time."
    run = await upstream.begin("silent")
    work = asyncio.ensure_future(upstream.stage.execute(run))
    await asyncio.to_thread(upstream.server.wait_asked, 1)
    pass_time(SILENCE_SECONDS)
    assert error(await work) == (BROKEN, message)
    run = await upstream.begin("stalls")
    work = asyncio.ensure_future(upstream.stage.execute(run))
    await upstream.stage.listen_until(run, lambda told: isinstance(told, Delta))
    pass_time(SILENCE_SECONDS)
    assert error(await work) == (BROKEN, message)
    assert (await upstream.stage.thread(run))[-1] == ("assistant", "incomplete", "Hello ")


async def test_a_server_that_is_not_there_is_told(upstream: Upstream) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen: refused for as long as it is held
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        upstream.use(base_url=url, patience=Patience(0))
        run = await upstream.run("text")
        await upstream.close()
    assert error(run) == (
        BROKEN,
        f"The model server at {url} cannot be reached. It has not answered since Perdure was "
        "started: check that it runs, and its base_url.",
    )


async def test_an_answer_without_an_end_has_one_here(upstream: Upstream) -> None:
    run = await upstream.run("flood")
    assert error(run) == (
        BROKEN, f"The answer of the model server at {upstream.server.base_url} has no end.",
    )  # fmt: skip


async def test_the_content_filter_ends_the_run_and_names_itself_in_the_message(
    upstream: Upstream,
) -> None:
    run = await upstream.run("content-filter")
    assert error(run) == (BROKEN, "The model's content filter stopped the answer.")
    assert (await upstream.stage.thread(run))[-1] == ("assistant", "incomplete", "Hello ")
    assert run.usage is not None
    assert run.usage.total_tokens == 17


async def test_arguments_that_are_no_json_reach_the_program_as_they_are(
    upstream: Upstream,
) -> None:
    function = FunctionTool(function=FunctionDefinition(name="f"))
    run = await upstream.run("bad-arguments", tools=[function])
    assert run.status == "requires_action"
    assert run.required_action is not None
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    assert call.function.arguments == '{"city": Paris'


STRICT = JsonSchemaFormat(
    json_schema=JsonSchema(name="city", schema={"type": "object"}, strict=True)
)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("formless", "Unsupported parameter: 'response_format' is not supported with this model."),
        ("texts-only", "'response_format.type' must be 'text'"),
        ("no-format-now", "This response_format type is unavailable now"),
    ],
)
async def test_a_format_that_the_server_does_not_have_fails_the_run_and_is_not_left_out(
    upstream: Upstream, model: str, said: str
) -> None:
    run = await upstream.run(model, response_format=STRICT)
    assert error(run) == (
        BROKEN,
        f"The model server at {upstream.server.base_url} does not support response_format "
        f"json_schema. It said: {said}",
    )
    assert len(upstream.bodies()) == 1


async def test_a_schema_that_the_server_finds_wrong_is_the_program_s_to_mend(
    upstream: Upstream,
) -> None:
    run = await upstream.run("wrong-schema", response_format=STRICT)
    assert error(run) == (
        WRONG,
        f"The model server at {upstream.server.base_url} refused the request: Invalid schema for "
        "response_format 'city': additional fields are not allowed.",
    )


async def test_a_strict_schema_that_is_ignored_fails_the_run(upstream: Upstream) -> None:
    run = await upstream.run("text", response_format=STRICT)
    assert error(run) == (
        BROKEN,
        "The model's answer does not fit the strict JSON schema 'city': it is no JSON. The model "
        "server may not support response_format json_schema.",
    )
    role, status, text = (await upstream.stage.thread(run))[-1]
    assert (role, status, text[:10]) == ("assistant", "incomplete", "Hello from")
    assert run.usage is not None
    assert run.usage.total_tokens == 17


@pytest.mark.parametrize(
    "wanted",
    [{"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "city"}}],
)
async def test_what_was_never_promised_is_not_checked(
    upstream: Upstream, wanted: JsonObject
) -> None:
    body = decode(encode({"assistant_id": "a", "response_format": wanted}), CreateRun)
    run = await upstream.run("text", response_format=body.response_format)
    assert run.status == "completed"


async def test_a_strict_answer_that_fits_completes_the_run(upstream: Upstream) -> None:
    run = await upstream.run("json", response_format=STRICT)
    assert run.status == "completed"
    assert (await upstream.stage.thread(run))[-1][2] == '{"city": "Paris"}'


async def test_a_wait_for_the_model_server_ends_with_the_run(upstream: Upstream) -> None:
    stage = upstream.stage
    upstream.use(patience=Patience(100_000, stage.clock, 0.005))
    engine = stage.engine()
    await engine.start()
    run = await upstream.begin("loads-9999")
    await asyncio.to_thread(upstream.server.wait_asked, 3)
    # The heartbeat looks for what is past its time, and believes no clock that leaps.
    while stage.clock.now() <= run.created_at + 600:
        stage.clock.advance(25)
        engine.heartbeat.step()
        await until(lambda: not engine.heartbeat._is_looking)
    ended = await stage.at_rest(run)
    await engine.drain(0)
    assert (ended.status, ended.usage) == ("expired", None)
