"""Files, uploads, vector stores and answers that cite."""

import hashlib
import io
import tempfile
from pathlib import Path
from typing import Any

import openai

from tests.parsing import hostile
from tests.sdk_python.program.checks import (
    assistant,
    check,
    client,
    refused,
)


@check
def files_are_made_of_paths_and_bytes_and_come_back_as_they_were() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "Grüße an alle.txt")
        path.write_bytes(b"from a path")
        of_path = client.files.create(file=path, purpose="assistants")
    of_bytes = client.files.create(file=b"from bytes", purpose="fine-tune")
    named = client.files.create(file=("a.json", io.BytesIO(b"{}")), purpose="assistants")
    empty = client.files.create(file=("empty.md", b""), purpose="assistants")
    assert [each.filename for each in (of_path, of_bytes, named, empty)] == [
        "Grüße an alle.txt", "upload", "a.json", "empty.md",
    ]  # fmt: skip
    assert [each.bytes for each in (of_path, of_bytes, named, empty)] == [11, 10, 2, 0]
    assert client.files.retrieve(of_path.id) == of_path
    assert client.files.wait_for_processing(of_path.id).status == "processed"
    assert client.files.content(of_path.id).read() == b"from a path"
    assert client.files.content(empty.id).read() == b""
    listed = [each.id for each in client.files.list(purpose="assistants")]
    assert listed[:3] == [empty.id, named.id, of_path.id]
    for each in (of_path, of_bytes, named, empty):
        assert client.files.delete(each.id).deleted
    assert [each.id for each in client.files.list(purpose="assistants")] == listed[3:]
    assert refused(openai.NotFoundError, lambda: client.files.content(named.id)) == (
        f"No such File object: {named.id}"
    )
    assert refused(
        openai.BadRequestError,
        lambda: client.files.create(file=b"x", purpose="world_domination"),  # type: ignore[arg-type]
    ).startswith("'world_domination' is not one of [")


@check
def uploads_in_parts_become_files() -> None:
    if not hasattr(client, "uploads"):
        return  # this SDK is older than uploads
    upload = client.uploads.create(
        filename="a.jsonl", purpose="batch", bytes=6, mime_type="application/jsonl"
    )
    parts = [client.uploads.parts.create(upload.id, data=data).id for data in (b"def", b"abc")]
    md5 = hashlib.md5(b"abcdef").hexdigest()
    done = client.uploads.complete(upload.id, part_ids=parts[::-1], md5=md5)
    assert (done.status, done.file is not None) == ("completed", True)
    assert done.file is not None
    assert client.files.content(done.file.id).read() == b"abcdef"
    upload = client.uploads.create(
        filename="a.jsonl", purpose="batch", bytes=6, mime_type="application/jsonl"
    )
    assert client.uploads.cancel(upload.id).status == "cancelled"
    assert refused(
        openai.BadRequestError, lambda: client.uploads.complete(upload.id, part_ids=[])
    ) == ("Cannot complete upload with status 'cancelled'.")
    client.files.delete(done.file.id)


@check
def a_file_can_be_sent_in_chunks_by_the_sdk() -> None:
    if not hasattr(getattr(client, "uploads", None), "upload_file_chunked"):
        return  # this SDK is older than its helper
    content = bytes(range(256)) * 4096
    done = client.uploads.upload_file_chunked(
        file=content,
        filename="large.bin",
        bytes=len(content),
        mime_type="application/octet-stream",
        purpose="assistants",
        part_size=300_000,
        md5=hashlib.md5(content).hexdigest(),
    )
    assert done.file is not None
    assert client.files.content(done.file.id).read() == content
    client.files.delete(done.file.id)


RENT = "The rent is due on the third working day of each month."
BEES = "A colony of bees keeps its brood nest at thirty-five degrees."


def stores() -> Any:
    """Where this SDK has vector stores."""
    return getattr(client, "vector_stores", None) or client.beta.vector_stores  # type: ignore[attr-defined]


@check
def files_go_into_vector_stores_with_the_sdks_own_helpers() -> None:
    store = stores().create(name="Papers", expires_after={"anchor": "last_active_at", "days": 3})
    file = stores().files.upload_and_poll(vector_store_id=store.id, file=("rent.md", RENT.encode()))
    assert (file.status, file.last_error) == ("completed", None), file
    batch = stores().file_batches.upload_and_poll(
        vector_store_id=store.id,
        files=[("bees.txt", BEES.encode()), ("sheet.xls", b"no text")],
    )
    assert (batch.status, batch.file_counts.completed, batch.file_counts.failed) == (
        "completed", 1, 1,
    )  # fmt: skip
    (failed,) = stores().files.list(store.id, filter="failed").data
    assert failed.last_error.code == "unsupported_file"
    assert {each.id for each in stores().files.list(store.id)} > {file.id, failed.id}
    assert stores().retrieve(store.id).file_counts.total == 3
    assert stores().update(store.id, name="Old papers").name == "Old papers"
    if hasattr(stores(), "search"):
        found = stores().search(store.id, query="When is the rent due?").data
        assert (found[0].filename, found[0].content[0].text) == ("rent.md", RENT)
        assert stores().files.content(file.id, vector_store_id=store.id).data[0].text == RENT
    assert stores().files.delete(failed.id, vector_store_id=store.id).deleted
    assert stores().delete(store.id).deleted
    assert client.files.retrieve(file.id).filename == "rent.md"


@check
def what_is_cancelled_or_deleted_while_it_is_read_ends_there() -> None:
    # It takes a minute to read, unless it is left before.
    slow = hostile.repeated_pdf(100_000)
    contents = [("0.pdf", slow), ("1.pdf", slow), ("2.txt", RENT.encode()), ("3.pdf", slow)]
    uploaded = [client.files.create(file=each, purpose="assistants").id for each in contents]
    store = stores().create()
    batch = stores().file_batches.create(store.id, file_ids=uploaded)
    assert (batch.status, batch.file_counts.total) == ("in_progress", 4)
    cancelled = stores().file_batches.cancel(batch.id, vector_store_id=store.id)
    assert (cancelled.status, cancelled.file_counts.in_progress) == ("cancelled", 0)
    polled = stores().file_batches.poll(batch.id, vector_store_id=store.id)
    assert polled.status == "cancelled"
    counts = stores().retrieve(store.id).file_counts
    assert counts.completed + counts.cancelled == counts.total == 4
    again = stores().create(file_ids=uploaded[:3])
    client.files.delete(uploaded[0])
    stores().files.delete(uploaded[1], vector_store_id=again.id)
    assert stores().retrieve(again.id).file_counts.total == 1
    assert stores().files.poll(uploaded[2], vector_store_id=again.id).status == "completed"
    last = stores().create(file_ids=uploaded[2:])
    assert stores().delete(last.id).deleted
    refused(openai.NotFoundError, lambda: stores().retrieve(last.id))
    for store_id in (store.id, again.id):
        stores().delete(store_id)


@check
def answers_cite_the_files_polled_and_streamed() -> None:
    file = client.files.create(file=("rent.md", RENT.encode()), purpose="assistants")
    made = assistant(tools=[{"type": "file_search"}])
    attachment: Any = {"file_id": file.id, "tools": [{"type": "file_search"}]}
    question: Any = {
        "role": "user", "content": "When is the rent due?", "attachments": [attachment],
    }  # fmt: skip
    asked = client.beta.threads.create(messages=[question])
    run = client.beta.threads.runs.create_and_poll(thread_id=asked.id, assistant_id=made.id)
    assert run.status == "completed", run.last_error
    polled = client.beta.threads.messages.list(asked.id, limit=1).data[0]
    with client.beta.threads.runs.stream(thread_id=asked.id, assistant_id=made.id) as stream:
        (streamed,) = stream.get_final_messages()
    stored = client.beta.threads.messages.list(asked.id, limit=1).data[0]
    for message in (polled, streamed, stored):
        text = message.content[0].text  # type: ignore[union-attr]
        (note,) = text.annotations
        assert text.value[note.start_index : note.end_index] == note.text == "【4:0†rent.md】"
        assert note.file_citation.file_id == file.id  # type: ignore[union-attr]
        assert RENT in text.value
    step = client.beta.threads.runs.steps.list(run.id, thread_id=asked.id).data[-1]
    (call,) = step.step_details.tool_calls  # type: ignore[union-attr]
    assert (step.status, call.type) == ("completed", "file_search")
