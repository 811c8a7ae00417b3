"""Requests that are made again from their recipes: the bytes that were sent, or what differs."""

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from perdure.bus.memory import MemoryBus
from perdure.commands import files, messages
from perdure.engine.remaker import RequestRemaker
from perdure.engine.windows import Windows
from perdure.providers.adjustments import ADJUSTMENTS
from perdure.storage import connect, connect_blobs
from perdure.storage.database import Transaction
from perdure.testing.manual_clock import ManualClock
from perdure.wire.base import decode, encode
from perdure.wire.messages import CreateMessage, Message, TextContent, TextPart
from perdure.wire.runs import Run, TruncationStrategy
from perdure.wire.tools import (
    CodeInterpreterTool,
    FileSearchTool,
    FunctionDefinition,
    FunctionTool,
)
from tests.commands.acts import PROJECT
from tests.engine import filled_stores, traced
from tests.engine.coding import say
from tests.engine.stage import Stage
from tests.engine.test_images import PIXELS, Album
from tests.engine.upstream import Upstream
from tests.model_servers.refusals import QUIRKS

SEARCH = 'call: file_search {"queries": ["rent", "bees"]}'
CODE = 'call: python {"code": "print 21"}'
FUNCTION = 'call: get_weather {"city": "Rome"}'
ANSWER = "say: Done."
FUNCTIONS = [FunctionTool(function=FunctionDefinition(name="get_weather", strict=True))]


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


async def to_the_end(stage: Stage, run: Run) -> Run:
    run = await stage.execute(run)
    while run.status == "requires_action":
        run = await stage.execute(await stage.submit(run, "sunny " * 30))
    return run


def add(tx: Transaction, thread_id: str, texts: list[tuple[str, str]]) -> None:
    for role, text in texts:
        body = CreateMessage(role=role, content=text)  # type: ignore[arg-type] # one of both
        messages.add(tx, thread_id, body, project=PROJECT, now=1)


async def begin(stage: Stage, texts: list[tuple[str, str]], **fields: object) -> Run:
    """A queued run with all tools on a thread of these messages."""
    store_id = await filled_stores.store(stage, rent_md=filled_stores.RENT * 20,
                                         bees_md=filled_stores.BEES * 20)  # fmt: skip
    assistant = await stage.acts.assistant(
        instructions="Be brief.", tools=[CodeInterpreterTool(), FileSearchTool(), *FUNCTIONS]
    )
    thread = await stage.acts.thread()
    await stage.give_thread(thread.id, store_id)
    await stage.database.write(add, thread.id, texts)
    return await stage.acts.run(thread.id, assistant.id, **fields)


@asynccontextmanager
async def own_stage(folder: Path, template: Path) -> AsyncIterator[Stage]:
    shutil.copy(template, folder)
    bus = MemoryBus()
    database, blobs = connect(None, folder, bus=bus), connect_blobs(None, folder)
    await database.open()
    await blobs.open()
    try:
        yield Stage(database, bus, blobs, ManualClock(), folder / "reading")
    finally:
        await blobs.close()
        await database.close()


TEXTS = st.lists(
    st.tuples(st.sampled_from(["user", "assistant"]),
              st.sampled_from(["Hi", "word " * 30, "a longer text, " * 60, "字🙂 \u0001", " "])),
    max_size=12,
)  # fmt: skip
ROUNDS = st.lists(st.sampled_from([SEARCH, CODE, FUNCTION]), max_size=4)
TRUNCATION = st.sampled_from(
    [{}, {"truncation_strategy": TruncationStrategy(type="last_messages", last_messages=3)},
     {"max_prompt_tokens": 3000}, {"max_completion_tokens": 400}, {"tool_choice": "required"},
     {"parallel_tool_calls": False, "temperature": 0.5}]
)  # fmt: skip
KNOWN = st.frozensets(st.sampled_from([each.name for each in ADJUSTMENTS]), max_size=6)


@given(TEXTS, ROUNDS, TRUNCATION, KNOWN, st.sampled_from([700, 1500, 256_000]),
       st.sampled_from([2, 32]))  # fmt: skip
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_a_request_that_is_made_again_has_the_bytes_that_were_sent(
    tmp_path_factory: pytest.TempPathFactory,
    sqlite_template: Path,
    texts: list[tuple[str, str]],
    rounds: list[str],
    truncation: dict[str, object],
    known: frozenset[str],
    window: int,
    most_rounds: int,
) -> None:
    """Whatever the thread, its truncation, the tools, and what the server needs."""

    async def check() -> None:
        folder = tmp_path_factory.mktemp("requests")
        async with own_stage(folder, sqlite_template) as stage:
            provider = traced.record(stage, known)
            stage.means = stage.means._replace(max_tool_rounds=most_rounds)
            stage.use(windows=Windows(lambda _: None, unknown=window))
            prompt = "\nthen:\n".join([*rounds, ANSWER])
            run = await begin(stage, [*texts, ("user", prompt)], **truncation)
            run = await to_the_end(stage, run)
            made = await traced.remade(stage, run)
            assert [each.differences for each in made] == [[] for _ in made]
            assert [each.sha256 for each in made] == list(map(sha256, provider.bodies))
            # what was added later is no part of them
            await stage.database.write(add, run.thread_id, [("user", "More")])
            assert await traced.remade(stage, run) == made

    asyncio.run(check())


@pytest.mark.parametrize("model", [QUIRKS[0].model, QUIRKS[-1].model, "text", "needs-whole"])
async def test_it_has_the_bytes_that_a_model_server_received(
    upstream: Upstream, model: str
) -> None:
    stage = upstream.stage
    fields = {"tools": FUNCTIONS, "temperature": 0.5, "top_p": 0.5, "instructions": "Be brief."}
    run = await to_the_end(stage, await upstream.begin(model, "Hello", "World", **fields))
    received = {sha256(str(seen["raw"]).encode()) for seen in upstream.server.seen()}
    made = await traced.remade(stage, run)
    assert made
    for each in made:
        assert each.state == "same"
        assert each.sha256 in received


def forge(tx: Transaction, message_id: str, thread_id: str) -> None:
    """Changes the text of a message, which no client can."""
    message = decode(messages.get(tx, message_id, thread_id=thread_id, project=PROJECT), Message)
    changed = replace(message, content=[TextPart(text=TextContent(value="Forged"))])
    tx.run("messages.update", id=message_id, project=PROJECT, body=encode(changed).decode())


async def test_a_deleted_message_is_named_and_the_rest_is_shown(stage: Stage) -> None:
    traced.record(stage)
    texts = [("user", "The secret is 7."), ("assistant", "Noted."), ("user", ANSWER)]
    run = await stage.execute(await begin(stage, texts))
    (call,) = await traced.calls(stage, run)
    assert call.recipe is not None
    gone = call.recipe.message_ids[0]
    await stage.database.write(
        messages.delete, gone, thread_id=run.thread_id, project=PROJECT, now=1
    )
    (made,) = await traced.remade(stage, run)
    assert made.state == "differs"
    (difference,) = made.differences
    assert (difference.kind, difference.part, difference.id) == ("message_deleted", 1, gone)
    assert made.body is not None
    told = [message["content"] for message in made.body["messages"]]  # type: ignore[attr-defined]
    assert told == ["Be brief.", f"[{gone} is not there any more]", "Noted.", ANSWER]
    shown = (await traced.trace(stage, run)).trace
    assert "secret" not in encode(shown).decode()


async def test_a_changed_message_is_named_and_not_shown_as_if_it_had_been_sent(
    stage: Stage,
) -> None:
    traced.record(stage)
    run = await stage.execute(await begin(stage, [("user", "Hello"), ("user", ANSWER)]))
    (call,) = await traced.calls(stage, run)
    assert call.recipe is not None
    changed = call.recipe.message_ids[0]
    await stage.database.write(forge, changed, run.thread_id)
    (made,) = await traced.remade(stage, run)
    assert [(each.kind, each.part, each.id) for each in made.differences] == [
        ("part_changed", 1, changed)
    ]
    assert "Forged" not in encode(made).decode()


async def test_a_text_of_the_run_that_was_deleted_is_named(stage: Stage) -> None:
    """It stands in front of the calls of its round, which are shown."""
    traced.record(stage)
    prompt = f"say: Let me see.\n{FUNCTION}\nthen:\n{ANSWER}"
    run = await to_the_end(stage, await begin(stage, [("user", prompt)]))
    spoken = (await stage.steps(run))[0].step_details
    message_id = spoken.message_creation.message_id  # type: ignore[union-attr] # it spoke first
    await stage.database.write(
        messages.delete, message_id, thread_id=run.thread_id, project=PROJECT, now=1
    )
    first, second = await traced.remade(stage, run)
    assert first.state == "same"
    assert [(each.kind, each.id) for each in second.differences] == [
        ("message_deleted", message_id)
    ]
    assert second.body is not None
    message = second.body["messages"][2]  # type: ignore[index]
    assert message["tool_calls"][0]["function"]["arguments"] == '{"city": "Rome"}'


async def test_images_are_compared_and_not_repeated_and_one_that_is_gone_is_named(
    stage: Stage,
) -> None:
    traced.record(stage)
    album = Album(stage.database, stage.blobs, stage.clock)
    file = await album.add()
    assistant = await stage.acts.assistant()
    thread = await album.thread(file.id)
    run = await stage.execute(await stage.acts.run(thread.id, assistant.id))
    (made,) = await traced.remade(stage, run)
    assert made.state == "same"
    shown = made.body["messages"][0]["content"][1]["image_url"]  # type: ignore[index]
    assert shown["content_type"] == "image/png"
    assert (shown["bytes"], shown["sha256"]) == (len(PIXELS), sha256(PIXELS))
    await stage.database.write(files.delete, file.id, project=PROJECT, now=1)
    (made,) = await traced.remade(stage, run)
    assert [(each.kind, each.part, each.id) for each in made.differences] == [
        ("image_gone", 0, file.id)
    ]


async def test_a_file_that_a_tool_named_and_that_is_gone_changes_its_definition(
    stage: Stage,
) -> None:
    provider = traced.record(stage)
    kept = await filled_stores.upload(stage, "a.csv", "1")
    gone = await filled_stores.upload(stage, "b.csv", "2")
    assistant = await stage.acts.assistant(tools=[CodeInterpreterTool()])
    thread = await stage.acts.thread()
    await say(stage, thread.id, f"{CODE}\nthen:\n{ANSWER}", kept, gone)
    run = await stage.execute(await stage.acts.run(thread.id, assistant.id))
    assert [each.sha256 for each in await traced.remade(stage, run)] == [
        sha256(body) for body in provider.bodies
    ]
    await stage.database.write(files.delete, gone, project=PROJECT, now=1)
    made = await traced.remade(stage, run)
    assert [[(each.kind, each.id) for each in one.differences] for one in made] == [
        [("tool_changed", "python")]
    ] * 2
    assert "b.csv" not in encode(made).decode()


async def test_another_version_is_named_where_the_request_differs(stage: Stage) -> None:
    traced.record(stage)
    run = await stage.execute(await begin(stage, [("user", ANSWER)]))
    (call,) = await traced.calls(stage, run)
    assert call.recipe is not None
    old = replace(call, recipe=replace(call.recipe, version="0.0.9", body_sha256="0" * 64))
    remaker = RequestRemaker(stage.database, stage.blobs, stage.means.tools)
    made = await remaker.remake(run, old, project=PROJECT)
    (difference,) = made.differences
    assert difference.kind == "form_changed"
    assert "0.0.9" in difference.note
