"""Runs on models that think in their text: what becomes of the thinking."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from perdure import invariants, model_servers
from perdure.commands import run_steps
from perdure.engine.executor import Execution
from perdure.engine.message_parts import OpenPart
from perdure.lifecycle import WITHDRAWN
from perdure.model_servers import ModelServerSettings
from perdure.providers.call_log import CallLog
from perdure.settings.models import ThinkingSettings
from perdure.testing.scripted_model import ScriptedProvider
from perdure.tools.annotation import AnnotatedText
from perdure.wire.chat import ChatChunk, ChatRequest, ChatUsage, Choice, ChoiceDelta, Extras
from perdure.wire.events import Delta
from perdure.wire.formats import JsonSchema, JsonSchemaFormat
from perdure.wire.messages import FileCitation, FileCitationAnnotation, TextContent, TextPart
from perdure.wire.runs import Run
from perdure.wire.tools import FunctionDefinition, FunctionTool
from tests.engine.coding import say
from tests.engine.gated import GatedProvider
from tests.engine.stage import Stage
from tests.engine.test_extras import crashed_at_every_write
from tests.engine.upstream import KEY, Upstream
from tests.model_servers.pieces import USAGE
from tests.model_servers.thoughts import answer, script
from tests.patience import PATIENCE_SECONDS

TOOLS = [FunctionTool(function=FunctionDefinition(name="get_weather"))]
THINKS = ("<thi", "nk>\nHm.\n</think>", "\n\nYe", "s.")
LONE = ("Hm", ".\n</thi", "nk>\n\nYe", "s.")


async def message(upstream: Upstream, run: Run) -> tuple[str, str]:
    """Status and text of the run's last message, in a database that is well."""
    assert await upstream.stage.database.read(lambda tx: list(invariants.check(tx))) == []
    _, status, text = (await upstream.stage.thread(run))[-1]
    return status, text


async def kept(stage: Stage, run: Run) -> list[str]:
    """The thinking that is kept with the steps of the run."""
    extras = await stage.database.read(run_steps.extras_of_run, run.id)
    return [each.thinking for each in extras.values()]


async def after(upstream: Upstream, *says: str, ends: str = "stop") -> tuple[str, str]:
    """The message of a run on the same model that gives this answer."""
    run = await upstream.run("thinks", script(answer(*says, ends=ends)))
    return await message(upstream, run)


def sent(upstream: Upstream) -> list[tuple[object, object]]:
    """Role and content of the messages of the last request."""
    messages = upstream.bodies()[-1]["messages"]
    assert isinstance(messages, list)
    return [(each["role"], each["content"]) for each in messages]


async def test_thinking_is_not_in_the_message_and_counts_as_reasoning(upstream: Upstream) -> None:
    run = await upstream.run("thinks", script(answer(*THINKS)))
    assert (run.status, await message(upstream, run)) == ("completed", ("completed", "Yes."))
    assert run.usage is not None
    assert run.usage.completion_tokens == USAGE["completion_tokens"]
    reasoning = run.usage.completion_tokens_details.reasoning_tokens
    assert 0 < reasoning <= run.usage.completion_tokens
    assert await kept(upstream.stage, run) == ["<think>\nHm.\n</think>\n\n"]
    told = [event.data.decode() for event in await upstream.stage.told_in_full(run)]
    assert not any("Hm." in each for each in told if "thread.message" in each)


async def test_a_later_run_is_not_sent_it(upstream: Upstream) -> None:
    stage, asked = upstream.stage, script(answer(*THINKS))
    run = await upstream.run("thinks", asked)
    await say(stage, run.thread_id, "And tomorrow?")
    await stage.execute(await stage.acts.run(run.thread_id, run.assistant_id, model="thinks"))
    assert sent(upstream) == [
        ("user", asked), ("assistant", "Yes."), ("user", "And tomorrow?"),
    ]  # fmt: skip


async def test_a_strict_schema_holds_without_it(upstream: Upstream) -> None:
    schema: dict[str, object] = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
    }
    strict = JsonSchemaFormat(json_schema=JsonSchema(name="x", strict=True, schema=schema))
    for says in (("<think>Hm.</think>", '{"a": 1}'), ("Hm.</think>", '{"a": 1}')):
        run = await upstream.run("thinks", script(answer(*says)), response_format=strict)
        assert (run.status, run.last_error) == ("completed", None)
        assert await message(upstream, run) == ("completed", '{"a": 1}')


@pytest.mark.parametrize(
    ("ends", "status", "left"),
    [
        ("stop", "completed", ("completed", "<think>Hm.")),
        ("length", "incomplete", ("incomplete", "")),
        ("error", "failed", ("incomplete", "")),
        ("cut", "failed", ("incomplete", "")),
        ("content_filter", "failed", ("incomplete", "")),
    ],
)
async def test_thinking_that_nothing_ends_is_text_only_where_the_answer_is_whole(
    upstream: Upstream, ends: str, status: str, left: tuple[str, str]
) -> None:
    run = await upstream.run("thinks", script(answer("<think>", "Hm.", ends=ends)))
    assert (run.status, await message(upstream, run)) == (status, left)
    assert run.usage is not None
    assert run.usage.completion_tokens > 0
    assert bool(run.usage.completion_tokens_details.reasoning_tokens) == (ends != "stop")
    assert await kept(upstream.stage, run) == ([] if ends == "stop" else ["<think>Hm."])
    (step,) = await upstream.stage.steps(run)
    assert step.type == "message_creation"


@pytest.mark.parametrize("ends_by", ["cancel", "time"])
async def test_a_run_that_is_ended_in_mid_thought_leaves_an_empty_message(
    stage: Stage, ends_by: str
) -> None:
    run, provider = await stage.begin("say: <think> Hm."), GatedProvider()
    stage.means = stage.means._replace(provider=provider)
    execution = Execution(run.id, stage.means, owner="worker_1")
    work = asyncio.ensure_future(execution.run())
    await asyncio.wait_for(provider.begun.wait(), PATIENCE_SECONDS)
    if ends_by == "cancel":
        await stage.acts.cancel(run.id)
    else:
        stage.clock.advance(601)
        execution.interrupt()
    await asyncio.wait_for(work, PATIENCE_SECONDS)
    run = await stage.acts.get(run.id)
    assert run.status == ("cancelled" if ends_by == "cancel" else "expired")
    assert await stage.database.read(lambda tx: list(invariants.check(tx))) == []
    assert await stage.thread(run) == [
        ("user", "completed", "say: <think> Hm."), ("assistant", "incomplete", ""),
    ]  # fmt: skip
    assert await kept(stage, run) == ["<think> "]
    assert run.usage is not None
    assert run.usage.completion_tokens_details.reasoning_tokens > 0


async def test_a_run_that_is_released_in_mid_thought_leaves_nothing(stage: Stage) -> None:
    run, provider = await stage.begin("say: <think> Hm."), GatedProvider()
    stage.means = stage.means._replace(provider=provider)
    execution = Execution(run.id, stage.means, owner="worker_1")
    work = asyncio.ensure_future(execution.run())
    await asyncio.wait_for(provider.begun.wait(), PATIENCE_SECONDS)
    execution.interrupt()
    await asyncio.wait_for(work, PATIENCE_SECONDS)
    assert (await stage.acts.get(run.id)).status == "queued"
    assert await stage.steps(run) == []


async def test_a_lone_end_ends_what_was_told_and_the_next_answers_are_held_back(
    upstream: Upstream,
) -> None:
    stage = upstream.stage
    run = await upstream.begin("thinks", script(answer(*LONE)))
    deltas = stage.bus.subscribe(run.id)
    run = await stage.execute(run)
    told = [each.text for each in await deltas.next() if isinstance(each, Delta)]
    assert "".join(told) == "Hm.\n</think>\n\nYes."
    assert await message(upstream, run) == ("completed", "Yes.")
    assert await kept(upstream.stage, run) == ["Hm.\n</think>\n\n"]
    assert run.usage is not None
    assert run.usage.completion_tokens_details.reasoning_tokens > 0
    assert (await stage.told(run)).count(WITHDRAWN) == 1

    run = await upstream.begin("thinks", script(answer(*LONE)))
    deltas = stage.bus.subscribe(run.id)
    run = await stage.execute(run)
    told = [each.text for each in await deltas.next() if isinstance(each, Delta)]
    assert told == ["Ye", "s."]
    assert await message(upstream, run) == ("completed", "Yes.")
    assert WITHDRAWN not in await stage.told(run)


@pytest.mark.parametrize("ends", ["length", "error"])
async def test_what_follows_a_lone_end_is_kept_of_an_answer_that_broke(
    upstream: Upstream, ends: str
) -> None:
    assert await after(upstream, *LONE, ends=ends) == ("incomplete", "Yes.")
    # Held back now, and without its end.
    assert await after(upstream, "Hm.", ends=ends) == ("incomplete", "")
    assert await after(upstream, *LONE, ends=ends) == ("incomplete", "Yes.")


async def test_an_answer_without_the_end_is_told_whole_and_forgets_the_lesson(
    upstream: Upstream,
) -> None:
    await after(upstream, *LONE)
    assert await after(upstream, "Hm. ", "Yes.", ends="length") == ("incomplete", "")
    assert await after(upstream, "Hm. ", "Yes.") == ("completed", "Hm. Yes.")
    assert await after(upstream, "Hm. ", "Yes.", ends="length") == ("incomplete", "Hm. Yes.")


async def test_what_one_model_teaches_holds_for_no_other_and_for_no_other_server(
    upstream: Upstream,
) -> None:
    held = script(answer("Hm.", ends="length"))
    elsewhere = upstream.server.base_url.replace("127.0.0.1", "localhost")
    await upstream.close()
    servers = [
        ModelServerSettings("one", upstream.server.base_url, KEY, models=("thinks", "thinks too")),
        ModelServerSettings("two", elsewhere, KEY),
    ]
    upstream.call(model_servers.connect(servers, {"an alias": "thinks"}))
    await after(upstream, *LONE)
    told = {
        model: (await message(upstream, await upstream.run(model, held)))[1]
        for model in ("thinks", "an alias", "one/thinks", "thinks too", "two/thinks")
    }
    assert told == {
        "thinks": "", "an alias": "", "one/thinks": "", "thinks too": "Hm.", "two/thinks": "Hm.",
    }  # fmt: skip


async def test_what_is_set_needs_no_lesson(upstream: Upstream) -> None:
    await upstream.close()
    upstream.use(thinking={"think*": ThinkingSettings(begins_in_prompt=True)})
    run = await upstream.run("thinks", script(answer(*LONE)))
    assert await message(upstream, run) == ("completed", "Yes.")
    assert WITHDRAWN not in await upstream.stage.told(run)
    assert await after(upstream, "Yes.") == ("completed", "Yes.")
    assert await after(upstream, "Hm.", ends="length") == ("incomplete", "")


async def test_what_is_set_not_to_be_thinking_is_text(upstream: Upstream) -> None:
    await upstream.close()
    upstream.use(thinking={"thinks": ThinkingSettings(hide=False)})
    for says in (THINKS, LONE, LONE):
        assert await after(upstream, *says) == ("completed", "".join(says))
    await upstream.close()
    upstream.use(thinking={"thinks": ThinkingSettings(begins_in_prompt=False)})
    assert await after(upstream, *THINKS) == ("completed", "Yes.")
    assert await after(upstream, *LONE) == ("completed", "".join(LONE))


@pytest.mark.parametrize("says", [("<think>", "Hm.</think>\n\n"), ("<think>Hm.",)])
@pytest.mark.parametrize("sends_back", [True, False])
async def test_calls_behind_thinking_have_no_message_and_take_it_back_where_that_is_set(
    upstream: Upstream, says: tuple[str, ...], *, sends_back: bool
) -> None:
    await upstream.close()
    upstream.use(thinking={"thinks": ThinkingSettings(send_back=sends_back)})
    asked = script(answer(*says, calls=True, ends="tool_calls"), answer("It is sunny."))
    run = await upstream.run("thinks", asked, tools=TOOLS)
    assert [step.type for step in await upstream.stage.steps(run)] == ["tool_calls"]
    assert await kept(upstream.stage, run) == ["".join(says)]
    run = await upstream.stage.execute(await upstream.stage.submit(run, "sunny"))
    assert await message(upstream, run) == ("completed", "It is sunny.")
    assert sent(upstream)[1:] == [
        ("assistant", "".join(says) if sends_back else ""), ("tool", "sunny"),
    ]  # fmt: skip


async def test_text_between_thinking_and_calls_is_a_message_and_goes_back_behind_it(
    upstream: Upstream,
) -> None:
    await upstream.close()
    upstream.use(thinking={"thinks": ThinkingSettings(send_back=True)})
    for says in (("<think>Hm.</think>", "I look."), ("Hm.</think>", "I look.")):
        asked = script(answer(*says, calls=True, ends="tool_calls"), answer("It is sunny."))
        run = await upstream.run("thinks", asked, tools=TOOLS)
        assert await message(upstream, run) == ("completed", "I look.")
        run = await upstream.stage.execute(await upstream.stage.submit(run, "sunny"))
        assert sent(upstream)[1] == ("assistant", "".join(says))


async def test_an_answer_that_is_all_thinking_is_empty_and_the_log_says_so(
    upstream: Upstream,
) -> None:
    call = "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"
    for says in ("<think>Hm.</think>\n", call):
        with capture_logs() as logs:
            assert await after(upstream, says) == ("completed", "")
        assert "model_answer_is_all_thinking" in [log["event"] for log in logs]


class LongWinded(ScriptedProvider):
    """Thinks for more than anybody keeps."""

    async def chat(
        self, request: ChatRequest, log: CallLog | None = None
    ) -> AsyncGenerator[ChatChunk, None]:
        for says in ("<think>", *["word " * 20_000] * 15, "</think>", "Yes."):
            yield ChatChunk([Choice(ChoiceDelta(content=says))])
        yield ChatChunk([Choice(finish_reason="stop")], ChatUsage(1, 400_000))


async def test_what_is_more_than_is_kept_is_left_out(stage: Stage) -> None:
    stage.means = stage.means._replace(provider=LongWinded())
    run = await stage.execute(await stage.begin("Hello"))
    assert (await stage.thread(run))[-1] == ("assistant", "completed", "Yes.")
    assert await kept(stage, run) == []
    assert run.usage is not None
    assert run.usage.completion_tokens_details.reasoning_tokens > 300_000


async def test_another_model_is_not_sent_it(upstream: Upstream) -> None:
    await upstream.close()
    sends_back = {"thinks*": ThinkingSettings(send_back=True)}
    upstream.use(thinking=sends_back)
    asked = script(answer(*THINKS, calls=True, ends="tool_calls"), answer("It is sunny."))
    run = await upstream.stage.submit(await upstream.run("thinks", asked, tools=TOOLS), "sunny")
    await upstream.close()
    servers = [ModelServerSettings("tests", upstream.server.base_url, KEY)]
    upstream.call(model_servers.connect(servers, {"thinks": "thinks too"}), thinking=sends_back)
    await upstream.stage.execute(run)
    assert sent(upstream)[1] == ("assistant", "Yes.")


async def test_it_is_kept_with_whose_it_is(upstream: Upstream) -> None:
    run = await upstream.run("thinks", script(answer(*THINKS)))
    (step,) = await upstream.stage.steps(run)
    extras = await upstream.stage.database.read(run_steps.extras_of_run, run.id)
    assert extras == {
        step.id: Extras(
            server=upstream.server.base_url, model="thinks", thinking="<think>\nHm.\n</think>\n\n"
        )
    }


@pytest.mark.parametrize("says", [THINKS, LONE])
@pytest.mark.parametrize("committed", [True, False])
async def test_a_run_that_is_taken_up_tells_no_thinking_at_every_commit(
    upstream: Upstream, says: tuple[str, ...], *, committed: bool
) -> None:
    asked = script(answer(*says, calls=True, ends="tool_calls"), answer(*says))
    runs = await crashed_at_every_write(upstream, asked, model="thinks", committed=committed)
    assert await upstream.stage.database.read(lambda tx: list(invariants.check(tx))) == []
    for run in runs:
        texts = [each for each in await upstream.stage.thread(run) if each[0] == "assistant"]
        assert texts[-1] == ("assistant", "completed", "Yes.")
        assert not any("Hm." in text for _, _, text in texts)


def test_annotations_of_an_answer_behind_a_lone_end_stand_where_its_text_does() -> None:
    part = OpenPart("text", "msg_1", 0, None)
    part.may_hold_thinking = True
    notes = [
        FileCitationAnnotation(
            text="[1]", start_index=at, end_index=at + 3, file_citation=FileCitation(file_id="f")
        )
        for at in (3, 21)
    ]
    list(
        part.annotated(
            [
                AnnotatedText("Hm."),
                AnnotatedText("[1]", notes[0]),
                AnnotatedText("</think>\n\nYes. "),
                AnnotatedText("[1]", notes[1]),
            ]
        )
    )
    assert "".join(part.fragments)[21:] == "[1]"
    assert part.content == TextPart(
        text=TextContent(
            value="Yes. [1]", annotations=[replace(notes[1], start_index=5, end_index=8)]
        )
    )
    assert part.thought == "Hm.[1]</think>\n\n"
