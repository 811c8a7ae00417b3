"""The rules of an import (spec 10 §3 and §4)."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perdure.commands import files, ingestions, projects, threads
from perdure.commands.audit_logs import COMMAND_LINE, Change
from perdure.commands.export_references import ExportSelection
from perdure.errors import NotFound
from perdure.exchange.importer import ImportResult
from perdure.wire.projects import CreateProject
from perdure.wire.threads import ModifyThread
from tests.commands.acts import PROJECT, Acts
from tests.exchange.filling import add_file, fill
from tests.exchange.places import NOW, Place, lines, opened, rewrite, violations, written

Objects = list[dict[str, Any]]


@pytest.fixture
def database_url() -> None:
    """What is exported comes from SQLite: the rules are those of where it goes to."""


@pytest.fixture
async def exported(source: Place, tmp_path: Path) -> Path:
    await fill(source)
    return await source.export(tmp_path / "exported")


def fates(result: ImportResult, kind: str) -> dict[str, int]:
    return {fate: number for fate, number in result.tally.fates[kind].items() if number}


def reasons(result: ImportResult) -> list[str]:
    return [failure.reason for failure in result.tally.failures]


@pytest.mark.parametrize("on_conflict", ["skip", "fail", "replace"])
async def test_what_is_there_already_is_not_changed(
    exported: Path, source: Place, target: Place, on_conflict: str
) -> None:
    """Also where it came from, whatever is in hand there."""
    await target.imports(exported)
    for place in (source, target):
        result = await place.imports(exported, on_conflict=on_conflict)
        assert (result.tally.failures, written(result)) == ([], 0)
        assert await violations(place) == []


async def test_runs_in_hand_are_cancelled_and_nobody_finds_a_thread_locked(
    exported: Path, target: Place
) -> None:
    result = await target.imports(exported)
    active = ("queued", "in_progress", "requires_action", "cancelling")
    cut = [each for each in lines(exported) if each["id"].startswith("run_")]
    cut = [each for each in cut if each["status"] in active]
    assert result.tally.cut_runs == len(cut) > 0
    for each in cut:
        run = await Acts(target.database).get(each["id"])
        assert (run.status, run.cancelled_at, run.required_action) == ("cancelled", NOW, None)
        await Acts(target.database).run(run.thread_id, run.assistant_id)
    assert await violations(target) == []


async def test_an_object_with_other_content_is_skipped_refused_or_replaced(
    exported: Path, target: Place
) -> None:
    await target.imports(exported)
    objects = lines(exported)
    thread = next(each for each in objects if each["object"] == "thread" and each["metadata"])
    changed = ModifyThread(metadata={"now": "other"})
    await target.database.write(threads.modify, thread["id"], changed, project=PROJECT, now=NOW)

    async def metadata() -> dict[str, str]:
        found = await target.database.read(threads.get, thread["id"], project=PROJECT)
        return dict(json.loads(found)["metadata"])

    assert written(await target.imports(exported)) == 0
    refused = await target.imports(exported, on_conflict="fail")
    assert reasons(refused) == ["It is there already, with other content."]
    assert await metadata() == {"now": "other"}
    replaced = await target.imports(exported, on_conflict="replace")
    assert fates(replaced, "thread")["replaced"] == 1
    assert written(replaced) == 1
    assert await metadata() == thread["metadata"]
    assert await violations(target) == []


async def test_where_something_is_there_objects_come_behind_it_in_their_order(
    exported: Path, target: Place, tmp_path: Path
) -> None:
    there = await Acts(target.database).thread("I was here")
    result = await target.imports(exported)
    assert not result.keeps_places
    again = lines(await target.export(tmp_path / "again"))
    ids = {kind: [each["id"] for each in again if each["object"] == kind] for kind in _KINDS}
    for kind in _KINDS:
        had = [each["id"] for each in lines(exported) if each["object"] == kind]
        assert [each for each in ids[kind] if each in had] == had
    assert ids["thread"][0] == there.id


_KINDS = ("file", "vector_store", "assistant", "thread", "thread.message", "thread.run")


async def test_an_id_of_another_project_is_taken_and_nothing_says_whose(
    exported: Path, target: Place
) -> None:
    await target.imports(exported)
    made = await target.database.write(
        projects.create, CreateProject(name="Other"), Change(COMMAND_LINE, NOW)
    )
    for on_conflict in ("skip", "fail", "replace"):
        result = await target.imports(exported, project=made.id, on_conflict=on_conflict)
        assert written(result) == 0
        assert PROJECT not in str(result.tally.report())
        assert "Its id is taken." in reasons(result)
    assert await violations(target) == []


async def test_a_project_that_is_not_there_is_reported(exported: Path, target: Place) -> None:
    result = await target.imports(exported, project="proj_none")
    assert written(result) == 0
    assert "There is no project proj_none" in reasons(result)[0]


async def test_broken_lines_are_reported_and_the_rest_goes_on(
    exported: Path, target: Place
) -> None:
    good = (exported / "objects.jsonl").read_bytes()
    broken = [
        b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"{}", b'{"object":"thread"}',
        b'{"object":"run","id":"run_1"}', b'{"object":"thread","id":"../x","created_at":1}',
        b'{"object":"thread","id":"thread_x"}', b'{"object":"thread","id":"thread_x",'
        b'"created_at":99999999999999999999}', b"[" * 100_000,
        b'{"object":"thread.message","id":"msg_1","thread_id":"thread_none","created_at":1,'
        b'"role":"user","content":[]}',
        b'{"object":"thread.run.step","id":"step_1","thread_id":"thread_none","run_id":"run_n",'
        b'"created_at":1,"assistant_id":"a","type":"tool_calls","step_details":{"type":'
        b'"tool_calls","tool_calls":[]}}',
        b'{"object":"vector_store.file","id":"file-1","vector_store_id":"vs_1","created_at":-1}',
    ]  # fmt: skip
    rewrite(exported, b"\n".join(broken) + b"\n" + good)
    result = await target.imports(exported)
    assert result.was_changed
    assert result.tally.failed == len(broken)
    assert {each.line for each in result.tally.failures} == set(range(1, len(broken) + 1))
    assert fates(result, "thread")["created"] == good.count(b'"object":"thread",')
    assert await violations(target) == []


async def test_lines_may_come_in_any_order(exported: Path, target: Place, tmp_path: Path) -> None:
    objects = lines(exported)
    rewrite(exported, objects[::-1])
    result = await target.imports(exported)
    assert result.tally.failures == []
    again = lines(await target.export(tmp_path / "again"))
    assert [each["id"] for each in again] == [each["id"] for each in objects]


async def test_unknown_keys_are_left_out_and_named_once(exported: Path, target: Place) -> None:
    objects = [{**each, "surprise": 1} for each in lines(exported)]
    rewrite(exported, objects)
    result = await target.imports(exported)
    assert result.tally.failures == []
    assert result.tally.report().unknown_keys["thread"] == ["surprise"]


async def test_a_part_brings_what_it_refers_to(
    exported: Path, source: Place, target: Place, tmp_path: Path
) -> None:
    objects = lines(exported)
    thread = next(each for each in objects if each["object"] == "thread" and each["metadata"])
    path = await source.export(
        tmp_path / "part", ExportSelection(threads=frozenset({thread["id"]}))
    )
    kinds = [each["object"] for each in lines(path)]
    assert kinds.count("thread") == 1
    assert kinds.count("file") == 3
    assert kinds.count("vector_store") == 1
    result = await target.imports(path)
    assert (result.tally.failures, result.tally.missing) == ([], {})
    assert await violations(target) == []


@pytest.mark.parametrize(
    "choose",
    [
        lambda found: ExportSelection(assistants=frozenset({found["assistant_id"]})),
        lambda found: ExportSelection(since=found["created_at"]),
    ],
)
async def test_threads_are_chosen_by_assistant_and_by_time(
    exported: Path, source: Place, tmp_path: Path, choose: Callable[[Any], ExportSelection]
) -> None:
    last = [each for each in lines(exported) if each["object"] == "thread.run"][-1]
    found = lines(await source.export(tmp_path / "part", choose(last)))
    assert {each["id"] for each in found if each["object"] == "thread"} == {last["thread_id"]}
    assert last["id"] in {each["id"] for each in found}


async def test_messages_come_without_their_runs(
    source: Place, exported: Path, target: Place, tmp_path: Path
) -> None:
    path = await source.export(tmp_path / "part", ExportSelection(with_runs=False))
    assert not [each for each in lines(path) if each["object"].startswith("thread.run")]
    result = await target.imports(path)
    assert result.tally.failures == []
    assert await violations(target) == []
    whole = await target.imports(exported)
    assert whole.tally.failures == []
    assert fates(whole, "thread.run")["created"] > 0
    assert await violations(target) == []


async def test_files_without_contents_say_so_and_are_healed(
    source: Place, exported: Path, target: Place, tmp_path: Path
) -> None:
    path = await source.export(tmp_path / "part", ExportSelection(with_files=False))
    result = await target.imports(path)
    assert result.tally.failures == []
    files_there = [each for each in lines(path) if each["object"] == "file"]
    again = lines(await target.export(tmp_path / "again"))
    for line in again:
        if line["object"] == "file":
            assert (line["status"], line["_export"]["bytes_missing"]) == ("error", True)
        if line["object"] == "vector_store.file":
            assert line["status"] == "failed"
            assert "perdure files supply" in line["last_error"]["message"]
    with pytest.raises(NotFound, match="is missing"):
        await target.database.read(files.content, files_there[0]["id"], project=PROJECT)
    assert await violations(target) == []
    healed = await target.imports(exported)
    assert fates(healed, "file") == {"read": 3, "replaced": 3}
    found = await target.database.read(files.content, files_there[0]["id"], project=PROJECT)
    assert found.file.status == "processed"
    job = await target.database.write(
        ingestions.claim, owner="w", now=float(NOW), lease_seconds=30, embedding=None
    )
    assert job is not None
    assert await violations(target) == []


async def test_contents_that_are_not_what_they_were_are_missing(
    exported: Path, target: Place
) -> None:
    for path in (exported / "files").iterdir():
        path.write_bytes(path.read_bytes()[::-1])
    result = await target.imports(exported)
    report = result.tally.report()
    assert [each.kind for each in report.missing] == ["file", "file", "file"]
    assert await violations(target) == []


async def test_what_is_named_and_not_there_becomes_a_row(exported: Path, target: Place) -> None:
    kept = [each for each in lines(exported) if each["object"] not in ("file", "vector_store")]
    rewrite(exported, kept)
    result = await target.imports(exported, fills_gaps=True)
    assert result.tally.failures == []
    assert {kind for kind, _ in result.tally.missing} == {"file", "vector_store"}
    assert len(result.tally.missing) == 4
    assert await violations(target) == []


async def test_nothing_expires_where_that_is_asked_for(exported: Path, target: Place) -> None:
    objects = lines(exported)
    for each in objects:
        if each["object"] == "file":
            each["expires_at"] = 5
    rewrite(exported, objects)
    await target.imports(exported, keep_expired=True)
    found = await target.database.read(
        lambda tx: tx.all("exports.files", project=None, after=0, limit=10)
    )
    assert [json.loads(row["body"])["expires_at"] for row in found] == [None] * 3
    assert await violations(target) == []


async def test_tools_that_cannot_run_here_are_kept_beside(
    exported: Path, target: Place, tmp_path: Path
) -> None:
    objects = lines(exported)
    grounding = {"type": "bing_grounding", "bing_grounding": {"connections": []}}
    for each in objects:
        if each["object"] == "assistant":
            each["tools"].append(grounding)
    rewrite(exported, objects)
    result = await target.imports(exported)
    assert result.tally.failures == []
    assert result.tally.report().unsupported_tools["bing_grounding"] > 0
    again = await target.export(tmp_path / "again")
    for each in lines(again):
        if each["object"] == "assistant":
            assert each["_export"]["unsupported_tools"] == [grounding]
            assert each["metadata"]["perdure:unsupported_tools"] == "bing_grounding"
            assert grounding not in each["tools"]
    assert written(await target.imports(again)) == 0


async def test_a_dry_run_writes_nothing_and_reports_the_same(
    exported: Path, target: Place, tmp_path: Path
) -> None:
    objects = lines(exported)
    objects.append({**objects[-1], "id": "step_other", "run_id": "run_none"})
    rewrite(exported, objects)
    before = await target.export(tmp_path / "before")
    imagined = await target.imagines(exported)
    after = await target.export(tmp_path / "after")
    assert (after / "objects.jsonl").read_bytes() == (before / "objects.jsonl").read_bytes()
    real = await target.imports(exported)
    assert imagined.tally.report() == real.tally.report()
    assert imagined.keeps_places == real.keeps_places
    again = await target.imagines(exported)
    assert again.tally.report() == (await target.imports(exported)).tally.report()


async def test_a_damaged_row_is_left_out_and_named(source: Place, tmp_path: Path) -> None:
    await fill(source)
    await add_file(source, b"x")
    thread = await Acts(source.database).thread("x")
    await source.database.write(
        lambda tx: tx.run("threads.update", id=thread.id, project=PROJECT, body="{")
    )
    path = await source.export(tmp_path / "out")
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["damaged"] == [thread.id]


async def test_two_imports_at_once_write_each_object_once(exported: Path, target: Place) -> None:
    """From two processes where a database takes two."""
    other = target if target.url is None else await opened(target.url, target.data_dir)
    results = await asyncio.gather(target.imports(exported), other.imports(exported))
    if other is not target:
        await other.close()
    assert [result.tally.failures for result in results] == [[], []]
    assert sum(written(result) for result in results) == len(lines(exported))
    assert await violations(target) == []
