"""The code_interpreter tool in a run: executions, outputs, files, sessions (spec 04 §3.4, 06)."""

import json
from pathlib import Path

import pytest

from perdure import invariants, storage
from perdure.bus.bus import Subscription
from perdure.commands import blobs, events, files
from perdure.invariants import contents
from perdure.lifecycle import MESSAGE_DELTA, STEP_DELTA
from perdure.sandbox.sandbox import Session
from perdure.testing.scripted_sandbox import PNG
from perdure.wire.base import decode
from perdure.wire.events import Delta, Event
from perdure.wire.files import File
from perdure.wire.messages import (
    FilePathAnnotation,
    ImageFilePart,
    Message,
    TextPart,
)
from perdure.wire.run_steps import (
    CodeImage,
    CodeInterpreterToolCall,
    CodeLogs,
    ToolCalls,
)
from perdure.wire.runs import Run
from perdure.wire.tools import (
    CodeInterpreterChoice,
    CodeInterpreterResources,
    CreateToolResources,
    FunctionDefinition,
    FunctionTool,
)
from tests.commands.acts import PROJECT
from tests.engine import filled_stores
from tests.engine.coding import CODE, begin, calls, go_on, interpreted, logs, say
from tests.engine.stage import Stage
from tests.engine.test_crash import crash_while_executing, recover

WEATHER = FunctionTool(function=FunctionDefinition(name="get_weather"))


async def message(stage: Stage, run: Run) -> Message:
    """What the run has said last."""
    told = await stage.database.read(events.after, run.id, 0)
    return decode(
        [each for each in told if each.name.startswith("thread.message.")][-1].data, Message
    )


async def content(stage: Stage, file_id: str) -> tuple[File, bytes]:
    found = await stage.database.read(files.content, file_id, project=PROJECT)
    pieces = [
        piece
        for blob in found.blobs
        async for piece in stage.blobs.default.read(blob.id, 0, blob.bytes)
    ]
    return found.file, b"".join(pieces)


async def told(subscription: Subscription) -> list[Event | Delta]:
    return [each for each in await subscription.next() if isinstance(each, Event | Delta)]


async def test_each_execution_is_a_step_and_the_model_goes_on(stage: Stage) -> None:
    run = await stage.execute(await begin(stage, calls("print 1", "print 2")))
    assert run.status == "completed"
    first, second, last = await stage.steps(run)
    assert [interpreted(each).input for each in (first, second)] == ["print 1", "print 2"]
    assert [logs(each) for each in (first, second)] == ["1\n", "2\n"]
    assert (first.status, second.status, last.type) == (
        "completed", "completed", "message_creation",
    )  # fmt: skip
    assert run.usage is not None
    assert run.usage.total_tokens == sum(
        step.usage.total_tokens for step in (first, second, last) if step.usage
    )


async def test_a_fence_is_no_part_of_the_input_streamed_or_stored(stage: Stage) -> None:
    run = await begin(stage, calls("```python\nprint 1\nprint 2\n```"))
    subscription = stage.bus.subscribe(run.id)
    await stage.execute(run)
    written = [
        each.data().decode()
        for each in await told(subscription)
        if isinstance(each, Delta) and each.name == STEP_DELTA
    ]
    streamed = "".join(
        json.loads(data)["delta"]["step_details"]["tool_calls"][0]["code_interpreter"].get(
            "input", ""
        )
        for data in written
    )
    (step, _) = await stage.steps(run)
    assert streamed == interpreted(step).input == "print 1\nprint 2"
    assert interpreted(step).outputs == [CodeLogs(logs="1\n2\n")]


async def test_it_is_told_in_the_documented_order(stage: Stage) -> None:
    """Spec 04 §3.4."""
    run = await begin(stage, calls("print 1\nshow\nprint 2\nprint 3"))
    subscription = stage.bus.subscribe(run.id)
    await stage.execute(run)
    heard = await told(subscription)
    assert list(dict.fromkeys(each.name for each in heard)) == [
        "thread.run.in_progress",
        "thread.run.step.created",
        "thread.run.step.in_progress",
        "thread.run.step.delta",
        "thread.run.step.completed",
        "thread.message.created",
        "thread.message.in_progress",
        "thread.message.delta",
        "thread.message.completed",
        "thread.run.completed",
    ]
    deltas = [
        json.loads(each.data())["delta"]["step_details"]["tool_calls"][0]
        for each in heard
        if isinstance(each, Delta) and each.name == STEP_DELTA
    ]
    begun, *rest = deltas
    assert begun == {
        "index": 0,
        "id": begun["id"],
        "type": "code_interpreter",
        "code_interpreter": {"input": "", "outputs": []},
    }
    written = [
        each["code_interpreter"]["input"] for each in rest if "input" in each["code_interpreter"]
    ]
    assert "".join(written) == "print 1\nshow\nprint 2\nprint 3"
    assert len(written) > 1
    (step, _) = await stage.steps(run)
    (_, image, _) = interpreted(step).outputs
    assert isinstance(image, CodeImage)
    assert [each["code_interpreter"]["outputs"] for each in rest[len(written) :]] == [
        [{"index": 0, "type": "logs", "logs": "1\n"}],
        [{"index": 1, "type": "image", "image": {"file_id": image.image.file_id}}],
        [{"index": 2, "type": "logs", "logs": "2\n"}],
        [{"index": 2, "type": "logs", "logs": "3\n"}],
    ]


async def test_calls_at_once_are_told_one_after_the_other(stage: Stage) -> None:
    """They share a step, as parallel calls do (spec 03 §4), and helpers know one at a time."""
    one, two = (f'call: python {{"code": "print {number}"}}' for number in (1, 2))
    prompt = f"{one}\ncall: get_weather {{}}\n{two}\nthen: say: Done."
    run = await begin(stage, prompt, tools=[*CODE, WEATHER])
    subscription = stage.bus.subscribe(run.id)
    await stage.execute(run)
    deltas = [
        json.loads(each.data())["delta"]["step_details"]["tool_calls"][0]
        for each in await told(subscription)
        if isinstance(each, Delta) and each.name == STEP_DELTA
    ]
    places = [each["index"] for each in deltas]
    assert places == sorted(places)
    assert set(places) == {0, 1, 2}
    for place in (0, 2):
        mine = [each["code_interpreter"] for each in deltas if each["index"] == place]
        assert "".join(each.get("input", "") for each in mine) == f"print {1 + place // 2}"
        assert mine[-1]["outputs"][0]["logs"] == f"{1 + place // 2}\n"


async def test_an_image_that_is_shown_is_a_file_and_begins_the_next_message(stage: Stage) -> None:
    run = await begin(stage, calls("show", "show", then="say: Look."))
    subscription = stage.bus.subscribe(run.id)
    await stage.execute(run)
    first, second, _ = await stage.steps(run)
    shown = []
    for step in (first, second):
        (image,) = interpreted(step).outputs
        assert isinstance(image, CodeImage)
        shown.append(image.image.file_id)
    file, png = await content(stage, shown[0])
    assert (file.purpose, file.bytes, png) == ("assistants_output", len(PNG), PNG)
    assert file.filename.endswith(".png")
    *images, text = (await message(stage, run)).content
    assert [each.image_file.file_id for each in images if isinstance(each, ImageFilePart)] == shown
    assert isinstance(text, TextPart)
    assert text.text.value == "Look."
    parts = [
        json.loads(each.data())["delta"]["content"][0]
        for each in await told(subscription)
        if isinstance(each, Delta) and each.name == MESSAGE_DELTA
    ]
    assert parts[:2] == [
        {"index": 0, "type": "image_file", "image_file": {"file_id": shown[0], "detail": "auto"}},
        {"index": 1, "type": "image_file", "image_file": {"file_id": shown[1], "detail": "auto"}},
    ]
    assert {each["index"] for each in parts[2:]} == {2}


async def test_an_image_is_shown_once(stage: Stage) -> None:
    prompt = calls("show", then='say: One.\ncall: python {"code": "print 1"}\nthen: say: Two.')
    run = await stage.execute(await begin(stage, prompt))
    told = await stage.database.read(events.after, run.id, 0)
    first, second = [
        decode(each.data, Message) for each in told if each.name == "thread.message.completed"
    ]
    assert [each.__class__ for each in first.content] == [ImageFilePart, TextPart]
    assert [each.__class__ for each in second.content] == [TextPart]


async def test_a_file_that_is_written_can_be_linked_and_downloaded(stage: Stage) -> None:
    answer = "say: Here: [it](sandbox:/mnt/data/out.csv)."
    run = await begin(stage, calls("write out.csv old", "write out.csv a,b", then=answer))
    subscription = stage.bus.subscribe(run.id)
    await stage.execute(run)
    _, second, _ = await stage.steps(run)
    (left,) = interpreted(second).files
    assert left.path == "/mnt/data/out.csv"
    file, csv = await content(stage, left.file_id)
    assert (file.filename, file.purpose, csv) == ("out.csv", "assistants_output", b"a,b")
    (part,) = (await message(stage, run)).content
    assert isinstance(part, TextPart)
    (note,) = part.text.annotations
    assert isinstance(note, FilePathAnnotation)
    assert note.file_path.file_id == left.file_id
    assert note.text == "sandbox:/mnt/data/out.csv"
    assert part.text.value[note.start_index : note.end_index] == note.text
    texts = [
        json.loads(each.data())["delta"]["content"][0]["text"]
        for each in await told(subscription)
        if isinstance(each, Delta) and each.name == MESSAGE_DELTA
    ]
    assert "".join(each["value"] for each in texts) == part.text.value
    (annotated,) = [each for each in texts if each.get("annotations")]
    assert annotated == {
        "value": note.text,
        "annotations": [
            {
                "index": 0,
                "type": "file_path",
                "text": note.text,
                "start_index": note.start_index,
                "end_index": note.end_index,
                "file_path": {"file_id": left.file_id},
            }
        ],
    }


async def test_an_error_in_the_code_is_the_models_to_mend(stage: Stage) -> None:
    run = await stage.execute(await begin(stage, calls("raise no such column", "print mended")))
    first, second, _ = await stage.steps(run)
    assert (run.status, first.status) == ("completed", "completed")
    assert "ValueError: no such column" in logs(first)
    assert logs(second) == "mended\n"


async def test_files_are_given_under_their_names(stage: Stage) -> None:
    rent, other, third = [
        await filled_stores.upload(stage, name, text)
        for name, text in (("rent.csv", "1"), ("rent.csv", "2"), ("bees.csv", "3"))
    ]
    resources = CreateToolResources(code_interpreter=CodeInterpreterResources(file_ids=[rent]))
    assistant = await stage.acts.assistant(tools=CODE, tool_resources=resources)
    thread = await stage.acts.thread(calls("print 1"))
    await say(stage, thread.id, calls("print 1"), other)
    run = await stage.execute(await stage.acts.run(thread.id, assistant.id))
    (session,) = stage.sandbox.started
    given = {"rent.csv": b"1", f"rent-{other[-6:]}.csv": b"2"}
    assert {each.name: await got(session, each.name) for each in await session.files()} == given
    # one that comes later is there at the next call, and the others are not given again
    await session.put("rent.csv", b"changed by the code")
    await say(stage, thread.id, "And this.", third)
    await go_on(stage, run, calls("print 2"))
    assert {each.name: await got(session, each.name) for each in await session.files()} == {
        **given, "rent.csv": b"changed by the code", "bees.csv": b"3",
    }  # fmt: skip


async def got(session: Session, name: str) -> bytes:
    return b"".join([piece async for piece in session.get(name)])


async def test_functions_and_code_go_together(stage: Stage) -> None:
    prompt = 'call: python {"code": "print 1"}\ncall: get_weather {}\nthen: say: Done.'
    run = await stage.execute(await begin(stage, prompt, tools=[*CODE, WEATHER]))
    assert run.status == "requires_action"
    assert run.required_action is not None
    (asked,) = run.required_action.submit_tool_outputs.tool_calls
    assert asked.function.name == "get_weather"
    run = await stage.execute(await stage.submit(run, "sunny"))
    assert run.status == "completed"
    step, _ = await stage.steps(run)
    assert isinstance(step.step_details, ToolCalls)
    code, function = step.step_details.tool_calls
    assert isinstance(code, CodeInterpreterToolCall)
    assert code.code_interpreter.outputs == [CodeLogs(logs="1\n")]
    assert function.id == asked.id


async def test_a_choice_forces_it(stage: Stage) -> None:
    run = await begin(stage, "Hello", tool_choice=CodeInterpreterChoice())
    run = await stage.execute(run)
    assert interpreted((await stage.steps(run))[0]).input != ""


async def what_came_of_it(stage: Stage, run: Run) -> object:
    """What the user sees in the end, without the ids."""
    steps = [
        (
            interpreted(step).input,
            logs(step),
            len(interpreted(step).outputs),
            [file.path for file in interpreted(step).files],
        )
        if step.type == "tool_calls"
        else None
        for step in await stage.steps(run)
    ]
    *images, text = (await message(stage, run)).content
    assert isinstance(text, TextPart)
    (note,) = text.text.annotations
    assert isinstance(note, FilePathAnnotation)
    linked = await content(stage, note.file_path.file_id)
    return run.status, steps, len(images), text.text.value, note.start_index, linked[1]


@pytest.mark.parametrize("committed", [True, False])
async def test_a_crash_at_every_commit_leads_to_the_same_answer(
    stage: Stage, database_url: str | None, data_dir: Path, *, committed: bool
) -> None:
    """Nothing is told twice and no blob is left that nobody knows; the code may run again."""
    prompt = calls("print 1\nshow\nwrite out.csv a", then="say: sandbox:/mnt/data/out.csv")
    reference = await stage.execute(await begin(stage, prompt))
    expected = await what_came_of_it(stage, reference)
    at, crashed = 0, True
    while crashed:
        at += 1
        run = await begin(stage, prompt)
        crashed = await crash_while_executing(stage, run, at=at, committed=committed)
        await recover(stage)
        run = await stage.acts.get(run.id)
        run = await stage.execute(run) if run.status == "queued" else run
        assert await what_came_of_it(stage, run) == expected, f"crash at write {at}"
    # claim, step, two files of three writes each, the step's end, message, the end
    assert at == 1 + 1 + 2 * 3 + 1 + 1 + 1 + 1
    stage.clock.advance(blobs.LEASE_SECONDS + 1)
    await stage.engine().sweeper.step()
    with storage.snapshot(database_url, data_dir) as tx:
        assert list(invariants.check(tx)) == []
    look = lambda: storage.snapshot(database_url, data_dir)  # noqa: E731
    assert [each async for each in contents.check(stage.blobs, look)] == []
