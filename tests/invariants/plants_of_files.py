"""One of each thing that cannot be of files, uploads and deliveries, and the sentence by which the
invariants tell of it.
"""

from collections.abc import Callable
from typing import NamedTuple

from tests.storage.raw import Raw


class Shelved(NamedTuple):
    """A database that is well, with files in each status in one store.

    `completed`, `failed`, `waiting` and `held` are files of `store`; `attempt` is that at the
    first, with two chunks in `segment`, and
    `next_attempt` the number of the next. `other` and `expiring` are stores without files. `part`
    and `blob` are of `upload`. The last three are deliveries to one webhook.
    """

    store: str
    other: str
    expiring: str
    completed: str
    failed: str
    waiting: str
    held: str
    attempt: int
    next_attempt: int
    segment: int
    batch: str
    upload: str
    ended_upload: str
    part: str
    blob: str
    writing: str
    assistant: str
    delivered: str
    awaited: str
    given_up: str


class Plant(NamedTuple):
    """Something that cannot be: how it is made, which object it is found at, and as what."""

    name: str
    make: Callable[[Raw, Shelved], object]
    where: Callable[[Shelved], str]
    text: str


def _delivery(name: str) -> Callable[[Shelved], str]:
    return lambda at: f"{getattr(at, name)} to hook"


FILES = (
    Plant(
        "a file that is no JSON",
        lambda plant, at: plant.set("files", at.waiting, body='{"id":'),
        lambda at: at.waiting,
        r"holds something that is no object of the API: .+",
    ),
    Plant(
        "a file whose row disagrees",
        lambda plant, at: plant.set("files", at.waiting, purpose="vision"),
        lambda at: at.waiting,
        r"has purpose vision in its row and assistants in its body",
    ),
    Plant(
        "a file that would never expire",
        lambda plant, at: plant.edit("files", at.waiting, expires_at=9),
        lambda at: at.waiting,
        r"has expires_at None in its row and 9 in its body",
    ),
    Plant(
        "a file without content",
        lambda plant, at: plant.run("DELETE FROM blobs WHERE owner = ?", at.waiting),
        lambda at: at.waiting,
        r"says 3 bytes, and its blobs have 0",
    ),
    Plant(
        "a file that lacks a part",
        lambda plant, at: plant.change("blobs", f"owner = '{at.waiting}'", place=1),
        lambda at: at.waiting,
        r"has 1 blobs up to the place 1",
    ),
    Plant(
        "a file of another size",
        lambda plant, at: plant.edit("files", at.waiting, bytes=4),
        lambda at: at.waiting,
        r"says 4 bytes, and its blobs have 3",
    ),
    Plant(
        "a blob of nobody",
        lambda plant, at: plant.set("blobs", at.blob, owner="file-gone"),
        lambda at: at.blob,
        r"is the content of file-gone, of which none is",
    ),
    Plant(
        "a blob that is written and has no writer",
        lambda plant, at: plant.set("blobs", at.writing, lease_until=None),
        lambda at: at.writing,
        r"is writing with owner None, place None, bytes None and lease None",
    ),
    Plant(
        "a doomed blob with an owner",
        lambda plant, at: plant.set("blobs", at.blob, state="doomed"),
        lambda at: at.blob,
        r"is doomed with owner part_\w+, place 0, bytes 2 and lease None",
    ),
    Plant(
        "an upload whose row disagrees",
        lambda plant, at: plant.set("uploads", at.upload, status="cancelled"),
        lambda at: at.upload,
        r"has status cancelled in its row and pending in its body",
    ),
    Plant(
        "an upload that is completed without a file",
        lambda plant, at: plant.edit("uploads", at.upload, status="completed"),
        lambda at: at.upload,
        r"is completed without a file",
    ),
    Plant(
        "an ended upload with parts",
        lambda plant, at: plant.set("upload_parts", at.part, upload_id=at.ended_upload),
        lambda at: at.ended_upload,
        r"is completed with 1 parts left",
    ),
    Plant(
        "a part of no upload",
        lambda plant, at: plant.set("upload_parts", at.part, upload_id="upload_gone"),
        lambda at: at.part,
        r"is of the upload upload_gone, of which none is",
    ),
    Plant(
        "a part without content",
        lambda plant, at: plant.run("DELETE FROM blobs WHERE owner = ?", at.part),
        lambda at: at.part,
        r"has 0 blobs",
    ),
    Plant(
        "a listed file that is gone",
        lambda plant, at: plant.edit(
            "assistants",
            at.assistant,
            tool_resources={"code_interpreter": {"file_ids": ["file-gone"]}},
        ),
        lambda at: at.assistant,
        r"lists the file file-gone, of which none is",
    ),
)

DELIVERIES = (
    Plant(
        "a delivery that waits and has ended",
        lambda plant, at: plant.set("webhook_deliveries", at.awaited, ended_at=9),
        _delivery("awaited"),
        r"is waiting with ended_at 9",
    ),
    Plant(
        "a delivery that waits with nothing to be sent",
        lambda plant, at: plant.set("webhook_deliveries", at.awaited, data=None),
        _delivery("awaited"),
        r"is waiting and has no data",
    ),
    Plant(
        "a delivery that nobody made",
        lambda plant, at: plant.set("webhook_deliveries", at.delivered, attempts=0),
        _delivery("delivered"),
        r"is delivered after 0 attempts with the error None",
    ),
    Plant(
        "a delivery that was refused",
        lambda plant, at: plant.set("webhook_deliveries", at.delivered, response_status=500),
        _delivery("delivered"),
        r"is delivered to a target that answered with 500",
    ),
    Plant(
        "a delivery that is given up for no reason",
        lambda plant, at: plant.set("webhook_deliveries", at.given_up, last_error=None),
        _delivery("given_up"),
        r"is given up for no reason",
    ),
    Plant(
        "an error before any attempt",
        lambda plant, at: plant.set("webhook_deliveries", at.awaited, last_error="x"),
        _delivery("awaited"),
        r"has the error x without any attempt",
    ),
    Plant(
        "an event that is none",
        lambda plant, at: plant.set("webhook_deliveries", at.awaited, event="thread.created"),
        _delivery("awaited"),
        r"tells thread.created, which is no event of a run",
    ),
    Plant(
        "data that is no run",
        lambda plant, at: plant.set("webhook_deliveries", at.awaited, data="{}"),
        _delivery("awaited"),
        r"holds something that is no object of the API: .+",
    ),
    Plant(
        "another run than the one that is told",
        lambda plant, at: plant.set("webhook_deliveries", at.awaited, run_id="run_x"),
        _delivery("awaited"),
        r"tells thread.run.completed of run_x with run_\w+, which is completed",
    ),
    Plant(
        "an event that is two",
        lambda plant, at: plant.run(
            "INSERT INTO webhook_deliveries (id, webhook, run_id, event, told_at, data, due_at) "
            "SELECT id, 'other', run_id, event, told_at + 1, data, due_at "
            "FROM webhook_deliveries WHERE id = ?",
            at.awaited,
        ),
        lambda at: at.awaited,
        r"is another event to one webhook than to another",
    ),
)
