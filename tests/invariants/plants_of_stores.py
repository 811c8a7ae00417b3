"""One of each thing that cannot be of vector stores and their index, and the sentence by which the
invariants tell of it.
"""

from collections.abc import Callable

from tests.invariants.plants_of_files import Plant, Shelved
from tests.storage.raw import Raw


def _row(plant: Raw, at: Shelved, file_id: str, /, **columns: object) -> None:
    """Changes the row of a file in the store."""
    where = f"vector_store_id = '{at.store}' AND file_id = '{file_id}'"
    plant.change("vector_store_files", where, **columns)


def _body(plant: Raw, at: Shelved, file_id: str, old: str, new: str) -> None:
    """Changes the JSON of a file in the store."""
    plant.run(
        "UPDATE vector_store_files SET body = REPLACE(body, ?, ?) "
        "WHERE vector_store_id = ? AND file_id = ?",
        old, new, at.store, file_id,
    )  # fmt: skip


def _in_store(name: str) -> Callable[[Shelved], str]:
    return lambda at: f"{at.store}/{getattr(at, name)}"


def _attempt(plant: Raw, at: Shelved, file_id: str, *, dropped: int = 0) -> None:
    plant.run(
        "INSERT INTO ingestions (vector_store_id, file_id, dropped) VALUES (?, ?, ?)",
        at.store, file_id, dropped,
    )  # fmt: skip


VECTOR_STORES = (
    Plant(
        "a store of another id",
        lambda plant, at: plant.edit("vector_stores", at.other, id="vs_x"),
        lambda at: at.other,
        r"has id vs_\w+ in its row and vs_x in its body",
    ),
    Plant(
        "a store that expires for no reason",
        lambda plant, at: plant.set("vector_stores", at.other, expires_at=9),
        lambda at: at.other,
        r"expires at 9, and should at None",
    ),
    Plant(
        "a store that does not expire",
        lambda plant, at: plant.set("vector_stores", at.expiring, expires_at=None),
        lambda at: at.expiring,
        r"expires at None, and should at \d+",
    ),
    Plant(
        "a file of no store",
        lambda plant, at: plant.run("DELETE FROM vector_stores WHERE id = ?", at.store),
        _in_store("waiting"),
        r"is in the store vs_\w+, of which none is",
    ),
    Plant(
        "no file",
        lambda plant, at: plant.run("DELETE FROM files WHERE id = ?", at.completed),
        _in_store("completed"),
        r"is the file file-\w+, of which none is",
    ),
    Plant(
        "a file of another project",
        lambda plant, at: plant.set("files", at.completed, project="proj_x"),
        _in_store("completed"),
        r"is of proj_x, and its store of proj_default",
    ),
    Plant(
        "a file of another name",
        lambda plant, at: _row(plant, at, at.completed, filename="b.txt"),
        _in_store("completed"),
        r"is named 'b.txt' in its store, and 'a.txt' by itself",
    ),
    Plant(
        "a file in a store that is no JSON",
        lambda plant, at: _row(plant, at, at.completed, body="{"),
        _in_store("completed"),
        r"holds something that is no object of the API: .+",
    ),
    Plant(
        "a status that only the row has",
        lambda plant, at: _row(plant, at, at.waiting, status="failed"),
        _in_store("waiting"),
        r"has status failed in its row and in_progress in its body",
    ),
    Plant(
        "a size that only the row has",
        lambda plant, at: _row(plant, at, at.completed, usage_bytes=9_999),
        _in_store("completed"),
        r"has usage_bytes 9999 in its row and \d+ in its body",
    ),
    Plant(
        "attributes that only the row has",
        lambda plant, at: _row(plant, at, at.completed, attributes='{"k":1}'),
        _in_store("completed"),
        r'has the attributes {"k":1} in its row and others in its body',
    ),
    Plant(
        "a failure without its error",
        lambda plant, at: _body(plant, at, at.failed, '"last_error":{', '"lost":{'),
        _in_store("failed"),
        r"is failed with the error None",
    ),
    Plant(
        "an error of what is not read yet",
        lambda plant, at: _body(
            plant,
            at,
            at.waiting,
            '"last_error":null',
            '"last_error":{"code":"server_error","message":"x"}',
        ),
        _in_store("waiting"),
        r"is in_progress with the error FileError\(.+",
    ),
    Plant(
        "an earlier text of what is not read again",
        lambda plant, at: _attempt(plant, at, at.completed, dropped=2),
        _in_store("completed"),
        r"is completed with 1 attempts at it set aside",
    ),
    Plant(
        "what is not completed takes room",
        lambda plant, at: _row(plant, at, at.waiting, usage_bytes=5),
        _in_store("waiting"),
        r"is in_progress and takes 5 bytes",
    ),
    Plant(
        "an owner of what has ended",
        lambda plant, at: _row(plant, at, at.failed, owner="w", lease_until=1.0),
        _in_store("failed"),
        r"is failed and owned by w until 1.0",
    ),
    Plant(
        "an owner for ever",
        lambda plant, at: _row(plant, at, at.held, lease_until=None),
        _in_store("held"),
        r"is in_progress and owned by worker_1 until never",
    ),
    Plant(
        "work without an epoch",
        lambda plant, at: _row(plant, at, at.held, epoch=0),
        _in_store("held"),
        r"is owned in epoch 0 at attempt 1",
    ),
    Plant(
        "two attempts at a file that is read",
        lambda plant, at: _attempt(plant, at, at.held),
        _in_store("held"),
        r"is in_progress with 2 attempts at it that are not dropped",
    ),
    Plant(
        "two attempts at a file that was read",
        lambda plant, at: _attempt(plant, at, at.completed),
        _in_store("completed"),
        r"is completed with 2 attempts at it that are not dropped",
    ),
    Plant(
        "an attempt at a file that failed",
        lambda plant, at: _attempt(plant, at, at.failed),
        _in_store("failed"),
        r"is failed with 1 attempts at it that are not dropped",
    ),
    Plant(
        "an attempt that nobody waits for",
        lambda plant, at: _attempt(plant, at, at.completed),
        lambda at: f"attempt {at.next_attempt}",
        r"is not dropped, and its file is completed with \d+",
    ),
    Plant(
        "an attempt at no file",
        lambda plant, at: _attempt(plant, at, "file-gone"),
        lambda at: f"attempt {at.next_attempt}",
        r"is at the file file-gone of vs_\w+, which is not there",
    ),
    Plant(
        "a completed file without an attempt",
        lambda plant, at: _row(plant, at, at.completed, ingestion=None),
        _in_store("completed"),
        r"is completed with the attempt None as its own",
    ),
    Plant(
        "a completed file whose chunks go",
        lambda plant, at: plant.set("ingestions", str(at.attempt), dropped=1),
        _in_store("completed"),
        r"is completed, and its attempt \d+ is dropped or gone",
    ),
    Plant(
        "a store that is half expired",
        lambda plant, at: plant.set("ingestions", str(at.attempt), dropped=1),
        lambda at: at.store,
        r"is indexed, and completed files of it are not",
    ),
    Plant(
        "a batch whose row disagrees",
        lambda plant, at: plant.set("file_batches", at.batch, vector_store_id=at.other),
        lambda at: at.batch,
        r"has vector_store_id vs_\w+ in its row and vs_\w+ in its body",
    ),
    Plant(
        "a batch of no store",
        lambda plant, at: plant.set("file_batches", at.batch, vector_store_id="vs_gone"),
        lambda at: at.batch,
        r"is of the store vs_gone, of which none is",
    ),
    Plant(
        "a batch with a file that the store has not",
        lambda plant, at: plant.run(
            "INSERT INTO file_batch_files (batch_id, file) VALUES (?, 999)", at.batch
        ),
        lambda at: at.batch,
        r"has the file number 999, which its store has not",
    ),
)

INDEX = (
    Plant(
        "a lost chunk",
        lambda plant, at: plant.run(
            "DELETE FROM chunks WHERE ingestion = ? AND position = 0", at.attempt
        ),
        lambda at: f"attempt {at.attempt}",
        r"has 1 chunks up to 1, and pieces of 2",
    ),
    Plant(
        "a chunk that no piece has",
        lambda plant, at: plant.run(
            "INSERT INTO chunks (ingestion, position, start, tokens, text) "
            "SELECT ingestion, 2, start, tokens, text FROM chunks "
            "WHERE ingestion = ? AND position = 1",
            at.attempt,
        ),
        lambda at: f"attempt {at.attempt}",
        r"has 3 chunks up to 2, and pieces of 2",
    ),
    Plant(
        "no chunk at all",
        lambda plant, at: plant.run("DELETE FROM chunks WHERE ingestion = ?", at.attempt),
        lambda at: f"attempt {at.attempt}",
        r"has pieces of 2 chunks, and no chunk",
    ),
    Plant(
        "a doubled piece",
        lambda plant, at: plant.run(
            "INSERT INTO pieces (ingestion, segment, base, first, chunks, words) "
            "SELECT ingestion, segment, base, first, chunks, words FROM pieces "
            "WHERE ingestion = ?",
            at.attempt,
        ),
        lambda at: f"attempt {at.attempt}",
        r"has a piece at chunk 0, where chunk 2 should follow",
    ),
    Plant(
        "a piece in the index of another store",
        lambda plant, at: plant.change("segments", f"id = {at.segment}", vector_store=99),
        lambda at: f"attempt {at.attempt}",
        r"is indexed in the store number 99, not \d+",
    ),
    Plant(
        "a vector among chunks without",
        lambda plant, at: plant.change(
            "chunks", f"ingestion = {at.attempt} AND position = 0", vector=b"\0\0\0\0"
        ),
        lambda at: f"attempt {at.attempt}",
        r"has 1 vectors of 4 to 4 bytes for 2 chunks",
    ),
    Plant(
        "vectors without their signs",
        lambda plant, at: plant.change("chunks", f"ingestion = {at.attempt}", vector=b"\0\0\0\0"),
        lambda at: f"attempt {at.attempt}",
        r"has a piece with None bytes of signs, not 16",
    ),
    Plant(
        "texts larger than their file",
        lambda plant, at: _row(plant, at, at.completed, usage_bytes=1),
        lambda at: f"attempt {at.attempt}",
        r"has texts of \d+ bytes, and its file takes 1",
    ),
    Plant(
        "a segment that counts otherwise",
        lambda plant, at: plant.change("segments", f"id = {at.segment}", live=1),
        lambda at: f"segment {at.segment}",
        r"counts 1 chunks that are not removed, and its pieces 2",
    ),
    Plant(
        "a segment without room",
        lambda plant, at: plant.change("segments", f"id = {at.segment}", chunks=1),
        lambda at: f"segment {at.segment}",
        r"has a piece of 2 chunks at 0 of 1",
    ),
    Plant(
        "a lost word",
        lambda plant, at: plant.run(
            "DELETE FROM postings WHERE segment = ? AND substr(word, 1, 3) = 'bee'", at.segment
        ),
        lambda at: f"segment {at.segment}",
        r"has postings of 7 words for the 2 chunks at 0, which have 8",
    ),
    Plant(
        "a word of no chunk",
        lambda plant, at: plant.change(
            "postings",
            f"segment = {at.segment} AND substr(word, 1, 3) = 'bee'",
            packed=(9 << 16 | 1 << 10).to_bytes(4, "little"),
        ),
        lambda at: f"segment {at.segment}",
        r"has postings of '\w+' that are not of its 2 chunks in order",
    ),
    Plant(
        "chunks of no attempt",
        lambda plant, at: plant.run("DELETE FROM ingestions WHERE id = ?", at.attempt),
        lambda at: f"attempt {at.attempt}",
        r"is not there, and has chunks",
    ),
    Plant(
        "pieces of no attempt",
        lambda plant, at: plant.run("DELETE FROM ingestions WHERE id = ?", at.attempt),
        lambda at: f"attempt {at.attempt}",
        r"is not there, and has pieces",
    ),
    Plant(
        "pieces in a segment that goes",
        lambda plant, at: plant.change("segments", f"id = {at.segment}", dropped=1),
        lambda at: f"segment {at.segment}",
        r"is not there, and has pieces",
    ),
    Plant(
        "postings of no segment",
        lambda plant, at: plant.run("DELETE FROM segments WHERE id = ?", at.segment),
        lambda at: f"segment {at.segment}",
        r"is not there, and has postings",
    ),
)
