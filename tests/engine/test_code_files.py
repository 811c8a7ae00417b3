"""Files on their way to code and back: none is lost, none is another's, none is kept twice."""

from collections.abc import AsyncGenerator

import pytest

from perdure.commands import files
from perdure.commands.imported_objects import missing_file
from perdure.sandbox.session_files import blocks
from perdure.storage.database import Transaction
from perdure.testing.scripted_sandbox import ScriptedSandbox, ScriptedSession, obey
from perdure.tools.code_interpreter import output_files, thread_files
from perdure.wire.base import decode
from perdure.wire.files import File
from perdure.wire.messages import FilePathAnnotation, Message, TextPart
from perdure.wire.run_steps import CodeImage, RunStep
from perdure.wire.runs import LastError, Run
from perdure.wire.tools import CodeInterpreterResources, CreateToolResources
from tests.commands.acts import PROJECT
from tests.engine import filled_stores
from tests.engine.coding import CODE, begin, calls, go_on, interpreted, logs, say
from tests.engine.stage import Stage
from tests.engine.test_crash import crash_while_executing, recover

LINK = "say: sandbox:/mnt/data/out.csv"


async def given(stage: Stage) -> dict[str, bytes]:
    """What is in /mnt/data of the only session."""
    (session,) = stage.sandbox.started
    return {
        file.name: b"".join([piece async for piece in session.get(file.name)])
        for file in await session.files()
    }


async def described(stage: Stage, run: Run) -> str:
    """What the model is told of the files."""
    prepared = await stage.prepare(run)
    (tool,) = prepared.request.tools or []
    return (tool.function.description or "").partition("Files of the user: ")[2]


async def with_file(stage: Stage, file_id: str) -> str:
    """The id of an assistant whose code has the file."""
    resources = CreateToolResources(code_interpreter=CodeInterpreterResources(file_ids=[file_id]))
    return (await stage.acts.assistant(tools=CODE, tool_resources=resources)).id


async def linked(stage: Stage, run: Run) -> list[str]:
    """The ids of the files that the run's answer links."""
    rows = await stage.database.read(lambda tx: tx.all("messages.of_run", run_id=run.id))
    parts = decode(rows[-1]["body"], Message).content
    return [
        note.file_path.file_id
        for part in parts
        if isinstance(part, TextPart)
        for note in part.text.annotations
        if isinstance(note, FilePathAnnotation)
    ]


async def outputs(stage: Stage) -> list[File]:
    """All files that code has left."""

    def read(tx: Transaction) -> list[File]:
        rows = tx.all(
            "files.oldest_first",
            parent=PROJECT,
            low=0,
            high=2**62,
            purpose="assistants_output",
            limit=1000,
        )
        return [decode(row["body"], File) for row in rows]

    return await stage.database.read(read)


def named(*steps: RunStep) -> list[str]:
    """The ids of the files that the steps name."""
    return [file.file_id for step in steps for file in interpreted(step).files]


async def test_a_file_that_cannot_be_read_now_is_given_later(stage: Stage) -> None:
    rent = await filled_stores.upload(stage, "rent.csv", "1")
    found = await stage.database.read(files.content, rent, project=PROJECT)
    (blob,) = found.blobs
    await stage.blobs.default.delete(blob.id)
    assistant = await with_file(stage, rent)
    thread = await stage.acts.thread(calls("print 1"))
    run = await stage.execute(await stage.acts.run(thread.id, assistant))
    assert logs((await stage.steps(run))[0]).startswith("[rent.csv cannot be read. ")
    await stage.blobs.write(blob.id, blocks(b"1"))
    again = await go_on(stage, run, calls("print 2"))
    assert logs((await stage.steps(again))[0]) == "2\n"
    assert await given(stage) == {"rent.csv": b"1"}


async def test_a_run_whose_file_has_no_content_since_an_import_says_so(stage: Stage) -> None:
    lacking = missing_file("file-lacking", now=1)
    await stage.database.write(files.insert, lacking, project=PROJECT)
    assistant = await with_file(stage, lacking.id)
    thread = await stage.acts.thread("say: hello")
    run = await stage.acts.run(thread.id, assistant)
    ended = await stage.execute(run)
    assert ended.last_error == LastError(
        code="server_error",
        message="The content of the file file-lacking is missing. Supply it with perdure files "
        "supply.",
    )
    await stage.database.write(files.delete, lacking.id, project=PROJECT, now=2)
    again = await go_on(stage, ended, "say: hello")
    assert again.status == "completed"


async def test_a_name_stays_that_of_the_file_that_had_it_first(stage: Stage) -> None:
    """Neither a later file of the user nor one that code has written is overwritten."""
    first, later, third = [
        await filled_stores.upload(stage, name, text)
        for name, text in (("rent.csv", "1"), ("rent.csv", "2"), ("out.csv", "3"))
    ]
    thread = await stage.acts.thread("Here.")
    await say(stage, thread.id, calls("write out.csv made"), first)
    assistant = await stage.acts.assistant(tools=CODE)
    run = await stage.execute(await stage.acts.run(thread.id, assistant.id))
    assert await given(stage) == {"rent.csv": b"1", "out.csv": b"made"}
    # the files of an assistant come before those of the thread
    await say(stage, thread.id, calls("print 1"), third)
    run = await stage.acts.run(thread.id, await with_file(stage, later))
    names = f"'rent-{later[-6:]}.csv', 'rent.csv', 'out-{third[-6:]}.csv'"
    assert await described(stage, run) == names
    run = await stage.execute(run)
    assert await described(stage, run) == names
    assert await given(stage) == {
        "rent.csv": b"1",
        f"rent-{later[-6:]}.csv": b"2",
        "out.csv": b"made",
        f"out-{third[-6:]}.csv": b"3",
    }


async def test_a_file_of_an_earlier_run_can_be_linked_again(stage: Stage) -> None:
    run = await stage.execute(await begin(stage, calls("write out.csv a", then=LINK)))
    first = await linked(stage, run)
    again = await go_on(stage, run, LINK)
    assert await linked(stage, again) == first
    assert len(first) == 1
    changed = await go_on(stage, run, calls("write out.csv b", then=LINK))
    assert await linked(stage, changed) == named((await stage.steps(changed))[0])
    assert await linked(stage, await go_on(stage, run, LINK)) == await linked(stage, changed)


async def test_a_file_that_did_not_change_is_not_kept_again(stage: Stage) -> None:
    run = await stage.execute(
        await begin(stage, calls("write out.csv a", "write out.csv a", "write out.csv b"))
    )
    first, same, other, _ = await stage.steps(run)
    assert named(first) == named(same) != named(other)
    assert len(await outputs(stage)) == 2
    # unless somebody has deleted it
    (file_id,) = named(other)
    await stage.database.write(files.delete, file_id, project=PROJECT, now=stage.acts.now)
    again = await go_on(stage, run, calls("write out.csv b"))
    assert [file.id for file in await outputs(stage)] == named(first, (await stage.steps(again))[0])


async def test_what_a_run_may_leave_is_limited(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_files, "MOST_FILES", 3)
    prompt = calls("write a 1\nwrite b 2", "show\nshow\nwrite c 3", "show")
    run = await stage.execute(await begin(stage, prompt))
    first, second, third, _ = await stage.steps(run)
    assert len(named(first)) == 2
    image, _ = interpreted(second).outputs
    assert isinstance(image, CodeImage)
    text = " cannot be kept: the code of one run can leave 3 files and 1024 MiB in all.]\n"
    assert logs(second) == f"[The image{text}"
    assert (named(second), logs(third)) == ([], f"[The image{text}")
    # the next run may leave as much again
    again = await go_on(stage, run, calls("write c 3"))
    assert len(named((await stage.steps(again))[0])) == 1


async def test_the_bytes_that_a_run_may_leave_are_limited(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_files, "MOST_BYTES", 5)
    run = await stage.execute(await begin(stage, calls("write a 123\nwrite b 123\nwrite c 12")))
    (step, _) = await stage.steps(run)
    assert [file.path for file in interpreted(step).files] == ["/mnt/data/a", "/mnt/data/c"]
    assert logs(step).startswith("[b cannot be kept: ")


class Growing(ScriptedSession):
    """A session whose files are larger than it has said."""

    async def get(self, name: str) -> AsyncGenerator[bytes, None]:
        async for piece in super().get(name):
            yield piece
        yield b"more and more"


class GrowingSandbox(ScriptedSandbox):
    async def start(self, *, warm: bool = False) -> ScriptedSession:
        return Growing(obey)


async def test_a_file_that_grows_while_it_is_read_is_cut_and_left_out(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_files, "_MOST_BYTES", 10)
    stage.use_sandbox(GrowingSandbox())
    run = await stage.execute(await begin(stage, calls("write a 1")))
    (step, _) = await stage.steps(run)
    assert logs(step) == "[a grew while it was read: it cannot be linked.]\n"
    assert (named(step), await outputs(stage)) == ([], [])


@pytest.mark.parametrize("committed", [True, False])
async def test_a_crash_leaves_no_file_that_no_step_names(stage: Stage, *, committed: bool) -> None:
    """Nor does one take a file away that an earlier step has kept, and that was named again."""
    prompt = calls("write old.csv 1", "write old.csv 1\nwrite new.csv 2\nshow")
    at, crashed, before = 0, True, 0
    while crashed:
        at += 1
        run = await begin(stage, prompt)
        crashed = await crash_while_executing(stage, run, at=at, committed=committed)
        await recover(stage)
        run = await stage.acts.get(run.id)
        run = await stage.execute(run) if run.status == "queued" else run
        first, second, _ = await stage.steps(run)
        *_, image = interpreted(second).outputs
        assert isinstance(image, CodeImage)
        left = [file.id for file in await outputs(stage)][before:]
        assert sorted(left) == sorted({*named(first, second), image.image.file_id})
        before += len(left)
    assert at > 15
