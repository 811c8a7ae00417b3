"""Dumps of other programs are imported, in all forms that people have (spec 10 §1)."""

import base64
import io
import json
import os
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.commands import files
from perdure.errors import ConfigurationError
from perdure.exchange import dumps, foreign
from perdure.exchange.importer import ImportResult
from perdure.wire.exchange import KINDS
from tests.commands.acts import PROJECT
from tests.exchange.places import NOW, Place, lines, violations, written

TIME = 1_700_000_000


def message(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"msg_{number}", "object": "thread.message", "created_at": TIME + number // 2,
        "thread_id": "thread_1", "role": "user", "content": [
            {"type": "text", "text": {"value": f"Text {number}", "annotations": []}}
        ], **more,
    }  # fmt: skip


def page(*objects: Any) -> dict[str, Any]:
    return {"object": "list", "data": list(objects), "has_more": False}


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = value if isinstance(value, str) else json.dumps(value)
    path.write_text(text)
    os.utime(path, (TIME, TIME))
    return path


async def imported(place: Place, path: Path) -> tuple[ImportResult, list[str]]:
    assert dumps.is_dump(str(path))
    with dumps.read(str(path), now=NOW) as dump:
        result = await place.imports(dump.folder)
    assert await violations(place) == []
    return result, dump.problems


async def texts(place: Place, tmp_path: Path) -> dict[str, list[str]]:
    """The texts of all messages by their threads, in order."""
    path = await place.export(tmp_path / "out")
    found: dict[str, list[str]] = {}
    for each in lines(path):
        if each["object"] == "thread.message":
            said = "".join(part["text"]["value"] for part in each["content"])
            found.setdefault(each["thread_id"], []).append(said)
    return found


@pytest.fixture
def database_url() -> None:
    """Where it goes to makes no difference here: the import itself is tried on both databases."""


async def test_pages_and_objects_as_sdks_printed_them(source: Place, tmp_path: Path) -> None:
    dump = tmp_path / "dump"
    assistant = {
        "id": "asst_1", "object": "assistant", "created_at": TIME, "model": "gpt-4",
        "tools": [{"type": "retrieval"}], "file_ids": ["file-1"],
    }  # fmt: skip
    write(dump / "assistants.json", page(assistant))
    write(dump / "files.json", [
        {"id": "file-1", "object": "file", "bytes": 5, "created_at": TIME, "filename": "a.txt",
         "purpose": "assistants"},
        {"id": "file-2", "object": "file", "bytes": 7, "created_at": TIME, "filename": "b.txt",
         "purpose": "assistants"},
    ])  # fmt: skip
    write(dump / "files" / "file-1.txt", "hello")
    # The newest first, as the API lists them, and two of one second.
    write(dump / "threads" / "thread_1.json", {
        "id": "thread_1", "object": "thread", "created_at": TIME, "metadata": {"user": "7"},
        "messages": page(*(message(number) for number in (3, 2, 1, 0))),
    })  # fmt: skip
    result, problems = await imported(source, dump)
    assert (result.tally.failures, problems) == ([], [])
    assert await texts(source, tmp_path) == {"thread_1": [f"Text {n}" for n in range(4)]}
    objects = {each["id"]: each for each in lines(await source.export(tmp_path / "found"))}
    assert objects["asst_1"]["tools"][0]["type"] == "file_search"
    assert objects["asst_1"]["tool_resources"] == {"code_interpreter": {"file_ids": ["file-1"]}}
    assert objects["thread_1"]["metadata"] == {"user": "7"}
    assert (objects["file-1"]["status"], objects["file-2"]["status"]) == ("processed", "error")
    found = await source.database.read(files.content, "file-1", project=PROJECT)
    assert found.file.bytes == 5
    again, _ = await imported(source, dump)
    assert written(again) == 0


async def test_one_message_a_line(source: Place, tmp_path: Path) -> None:
    rows = [
        {"thread_id": "thread_a", "assistant_id": "asst_1", "message_id": f"msg_{number}",
         "role": ("user", "assistant")[number % 2], "text": f"Text {number}",
         "created_at": "2023-11-14T22:13:20Z"}
        for number in range(5)
    ]  # fmt: skip
    path = write(tmp_path / "m.jsonl", "\n".join(map(json.dumps, rows)) + "\n{broken\n\n")
    result, problems = await imported(source, path)
    assert result.tally.failures == []
    assert problems == ["m.jsonl, line 6 is no JSON that can be read."]
    assert await texts(source, tmp_path) == {"thread_a": [f"Text {n}" for n in range(5)]}
    found = lines(await source.export(tmp_path / "found"))
    assert {each["created_at"] for each in found} == {TIME}
    assert written((await imported(source, path))[0]) == 0


async def test_a_snapshot_with_files_in_base64(source: Place, tmp_path: Path) -> None:
    content = base64.b64encode(b"hello").decode()
    snapshot = {
        "assistant_id": "asst_1",
        "config": {"name": "Ann", "model": "gpt-4o", "tools": [{"type": "file_search"}],
                   "tool_resources": {"file_search": {"vector_store_ids": ["vs_1"]}}},
        "files": {"file-1": {"filename": "a.txt", "content_base64": content},
                  "file-2": content},
        "vector_stores": [{"id": "vs_1", "name": "s", "metadata": {}, "file_ids": ["file-1"],
                           "expires_after": None}],
        "threads": {"thread_1": [{"role": "user", "content": "Hello"},
                                 {"role": "assistant", "content": "Hi"}]},
    }  # fmt: skip
    path = write(tmp_path / "snapshot.json", snapshot)
    result, problems = await imported(source, path)
    assert (result.tally.failures, problems) == ([], [])
    created = {kind: fates["created"] for kind, fates in result.tally.fates.items()}
    assert created == {
        "file": 2, "vector_store": 1, "vector_store.file": 1, "assistant": 1, "thread": 1,
        "thread.message": 2,
    }  # fmt: skip
    assert await texts(source, tmp_path) == {"thread_1": ["Hello", "Hi"]}
    found = await source.database.read(files.content, "file-1", project=PROJECT)
    assert (found.file.filename, found.file.bytes) == ("a.txt", 5)
    assert written((await imported(source, path))[0]) == 0


async def test_chats_without_ids_get_the_same_ones_each_time(source: Place, tmp_path: Path) -> None:
    chats = [
        {"messages": [{"role": "system", "content": "Be brief."},
                      {"role": "user", "content": f"Question {number}"},
                      {"role": "assistant", "content": [{"type": "text", "text": "Answer"}]}]}
        for number in range(3)
    ]  # fmt: skip
    path = write(tmp_path / "chats.jsonl", "\n".join(map(json.dumps, chats)))
    result, problems = await imported(source, path)
    assert (result.tally.failures, problems) == ([], [])
    assert list((await texts(source, tmp_path)).values()) == [
        [f"Question {number}", "Answer"] for number in range(3)
    ]
    again, _ = await imported(source, path)
    assert written(again) == 0
    with dumps.read(str(path), now=NOW + 5) as dump:
        assert written(await source.imports(dump.folder, on_conflict="fail")) == 0


async def test_threads_of_an_exporter_with_runs_inside(source: Place, tmp_path: Path) -> None:
    call = {"id": "call_1", "type": "function",
            "function": {"name": "f", "arguments": "{}", "output": "1"}}  # fmt: skip
    step = {"id": "step_1", "object": "thread.run.step", "created_at": TIME,
            "assistant_id": "asst_1", "status": "completed", "completed_at": TIME,
            "type": "tool_calls",
            "step_details": {"type": "tool_calls", "tool_calls": [call]}}  # fmt: skip
    run = {"id": "run_1", "object": "thread.run", "created_at": TIME, "assistant_id": "asst_1",
           "status": "completed", "completed_at": TIME, "steps": [step]}  # fmt: skip
    thread = {"id": "thread_1", "created_at": TIME, "messages": [message(0)], "runs": [run]}
    result, problems = await imported(source, write(tmp_path / "threads.json", [thread]))
    assert (result.tally.failures, problems) == ([], [])
    found = {each["id"]: each for each in lines(await source.export(tmp_path / "found"))}
    assert found["run_1"]["model"] == "unknown"
    assert found["step_1"]["step_details"]["tool_calls"][0]["function"]["output"] == "1"


async def test_a_listing_of_vector_stores_with_the_names_of_their_files(
    source: Place, tmp_path: Path
) -> None:
    listing = [
        {"id": "vs_1", "name": "s", "created_at": TIME, "files": [
            {"id": "file-1", "filename": "a.txt", "status": "completed"},
            {"file_id": "file-2", "name": "b.txt", "status": "odd", "bytes": 7},
        ]}
    ]  # fmt: skip
    result, problems = await imported(source, write(tmp_path / "stores.json", listing))
    assert (result.tally.failures, problems) == ([], [])
    found = lines(await source.export(tmp_path / "found"))
    named = {each["filename"]: each["bytes"] for each in found if each["object"] == "file"}
    assert named == {"a.txt": 0, "b.txt": 7}
    members = [each for each in found if each["object"] == "vector_store.file"]
    assert {each["status"] for each in members} == {"failed"}


@pytest.mark.parametrize("name", ["dump.tar", "dump.tar.gz", "dump.zip"])
async def test_a_tar_or_zip_file_of_documents(source: Place, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "dump.zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("d/../../up.json", json.dumps(page(message(0))))
        return await _is_read(source, path, tmp_path)
    with tarfile.open(path, "w:gz" if name.endswith(".gz") else "w") as tar:
        for name, content, kind in (
            ("d/../../up.json", json.dumps(page(message(0))).encode(), tarfile.REGTYPE),
            ("d/link.json", b"", tarfile.SYMTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content), kind, "/etc/passwd"
            tar.addfile(info, io.BytesIO(content))
    return await _is_read(source, path, tmp_path)


async def _is_read(source: Place, path: Path, tmp_path: Path) -> None:
    result, problems = await imported(source, path)
    assert (result.tally.failures, problems) == ([], [])
    assert await texts(source, tmp_path) == {"thread_1": ["Text 0"]}


def test_what_is_no_dump_is_none(tmp_path: Path) -> None:
    assert not dumps.is_dump("-")
    assert not dumps.is_dump(str(tmp_path))
    assert not dumps.is_dump(str(write(tmp_path / "a.txt", "{}")))
    assert not dumps.is_dump(str(tmp_path / "none.json"))
    (tmp_path / "manifest.json").touch()
    assert not dumps.is_dump(str(tmp_path))


@pytest.mark.parametrize("value", [{}, [], {"a": 1}, [[[[[[[[[[[[1]]]]]]]]]]]], "x", None, 1])
def test_a_document_without_objects_is_refused(tmp_path: Path, value: Any) -> None:
    path = write(tmp_path / "a.json", json.dumps(value))
    with (
        pytest.raises(ConfigurationError, match="no object of the API"),
        dumps.read(str(path), now=NOW),
    ):
        pass


@pytest.mark.parametrize("text", ["[" * 100_000, '{"messages":' * 50_000, "\x00", "{", '"\\ud800'])
def test_a_hostile_document_is_refused(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "a.json", text)
    with pytest.raises(ConfigurationError), dumps.read(str(path), now=NOW):
        pass


_NAMES = st.sampled_from(
    ["id", "object", "created_at", "role", "content", "text", "messages", "files", "threads",
     "thread_id", "vector_stores", "config", "data", "tools", "type", "file_ids", "runs", "steps",
     "step_details", "tool_calls", "attachments", "annotations", "tool_resources", "last_error",
     "file_search", "code_interpreter", "thread_1", "file-1", "metadata", "truncation_strategy",
     "tool_choice", "required_action", "chunking_strategy"]
)  # fmt: skip
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["thread_1", "msg_1", "run_1", "asst_1", "file-1", "vs_1", "thread",
                       "thread.message", "thread.run", "thread.run.step", "assistant", "file",
                       "vector_store", "list", "user", "function", "file_search"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(_NAMES, below, max_size=6),
    max_leaves=25,
)  # fmt: skip


@given(value=_VALUES)
def test_whatever_a_document_holds_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    path = write(tmp_path_factory.mktemp("any") / "a.json", json.dumps(value))
    with suppress(ConfigurationError), dumps.read(str(path), now=NOW) as dump:
        assert all(each["object"] for each in lines(dump.folder))


_MEMBERS = st.sampled_from(
    ["purpose", "status", "filename", "tools", "tool_resources", "content", "attachments",
     "file_ids", "last_error", "truncation_strategy", "tool_choice", "required_action", "role",
     "incomplete_details", "step_details", "chunking_strategy", "metadata", "attributes",
     "_export", "type", "text", "annotations", "image_file", "tool_calls", "function",
     "file_search", "ranking_options", "code_interpreter", "vector_store_ids", "code", "file_id"]
)  # fmt: skip
_MEMBER_VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=3)
    | st.sampled_from(["text", "function", "file_search", "tool_calls", "image_file"]),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(_MEMBERS, below, max_size=4),
    max_leaves=15,
)  # fmt: skip


@given(
    kind=st.sampled_from(sorted(KINDS)),
    members=st.dictionaries(_MEMBERS, _MEMBER_VALUES, max_size=8),
)
@settings(max_examples=500)
def test_whatever_members_a_foreign_object_has_it_becomes_a_line(
    kind: str, members: dict[str, Any]
) -> None:
    line = foreign.line({"id": "x", "created_at": 1, **members, "object": kind})
    assert line is not None
    assert json.loads(line)["object"] == kind
