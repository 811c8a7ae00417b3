"""The objects in a document of a dump that some program has made (spec 10 §1): pages and objects as
SDKs print them, one message a line, snapshots with files in base64, chats without ids.

A document is hostile: nothing in it is believed but what an import checks later.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from perdure.wire.exchange import KINDS

_DEEPEST = 8
_BY_PREFIX = {
    "asst_": "assistant",
    "thread_": "thread",
    "msg_": "thread.message",
    "run_": "thread.run",
    "step_": "thread.run.step",
    "file-": "file",
    "file_": "file",
    "vs_": "vector_store",
}
_BASE64 = ("content_base64", "base64", "bytes_base64", "data", "content")
# What stands below an object in its own member, or beside others under its name.
_MEMBERS = (
    *("assistant", "assistants", "config", "files", "vector_stores", "threads", "thread"),
    *("messages", "runs", "run_steps", "steps", "data"),
)
_TIMES = (
    *("created_at", "completed_at", "incomplete_at", "started_at", "cancelled_at", "failed_at"),
    *("expires_at", "expired_at", "last_active_at"),
)
_MILLISECONDS = 10**11


class DumpObject(NamedTuple):
    """An object that was found, and the content of a file that stood with it."""

    body: dict[str, Any]
    content: bytes | None = None


class DumpPlace(NamedTuple):
    """The place of a value: its document, the way to it, and the objects that it is below."""

    name: str
    place: str
    now: int
    thread_id: str | None = None
    run_id: str | None = None
    key: str | None = None
    depth: int = 0

    def below(self, step: object, **more: Any) -> "DumpPlace":
        """Returns the place of a member."""
        return self._replace(place=f"{self.place}/{step}", depth=self.depth + 1, **more)

    def new_id(self, prefix: str) -> str:
        """Returns an id that is the same each time that this place is read."""
        digest = hashlib.sha256(f"{self.name}\0{self.place}".encode(errors="replace")).hexdigest()
        return f"{prefix}_{digest[:24]}"


def find(value: Any, where: DumpPlace) -> Iterator[DumpObject]:
    """Yields the objects in a value, however they are put together."""
    if where.depth > _DEEPEST:
        return
    if isinstance(value, list):
        for number, each in enumerate(_oldest_first(value, is_page=False)):
            yield from find(each, where.below(number))
    elif isinstance(value, dict):
        yield from _of_mapping(value, where)


def _of_mapping(value: dict[str, Any], where: DumpPlace) -> Iterator[DumpObject]:
    if value.get("object") == "list" and isinstance(value.get("data"), list):
        for number, each in enumerate(_oldest_first(value["data"], is_page=True)):
            yield from find(each, where.below(number))
        return
    kind = _kind(value, where)
    if kind == "thread.message":
        yield DumpObject(_message(value, where))
    elif kind is not None:
        yield from _object(kind, value, where)
    elif _is_chat(value):
        yield from _chat(value, where)
    else:
        yield from _members(value, where)


def _kind(value: dict[str, Any], where: DumpPlace) -> str | None:
    told = value.get("object")
    if isinstance(told, str) and told in KINDS:
        return told
    if "role" in value and ("content" in value or "text" in value):
        return "thread.message" if _thread_of(value, where) else None
    found = value.get("id")
    if not isinstance(found, str):
        return None
    return next((kind for prefix, kind in _BY_PREFIX.items() if found.startswith(prefix)), None)


def _object(kind: str, value: dict[str, Any], where: DumpPlace) -> Iterator[DumpObject]:
    body = {name: each for name, each in value.items() if name not in _MEMBERS}
    body["object"] = kind
    _set_times(body, where)
    if kind.startswith("thread."):
        body.setdefault("thread_id", where.thread_id)
    if kind == "thread.run.step":
        body.setdefault("run_id", where.run_id)
    content = _content(value) if kind == "file" else None
    for name in _BASE64:
        body.pop(name, None)
    if kind == "file":
        body["bytes"] = len(content) if content is not None else body.get("bytes", 0)
        body.setdefault("filename", body.get("name") or body.get("id"))
        body.setdefault("purpose", "assistants")
        body["_export"] = {"bytes_missing": content is None}
    yield DumpObject(body, content)
    if kind == "vector_store":
        yield from _store_files(body, value.get("files"), where)
    below = where
    if kind == "thread":
        below = where._replace(thread_id=body.get("id"))
    elif kind == "thread.run":
        below = where._replace(thread_id=body.get("thread_id"), run_id=body.get("id"))
    for name in ("messages", "runs", "run_steps", "steps"):
        if isinstance(value.get(name), list | dict):
            yield from find(value[name], below.below(name))


def _store_files(store: dict[str, Any], listed: Any, where: DumpPlace) -> Iterator[DumpObject]:
    """Yields the files of a vector store that names them, or lists them with their names."""
    ids = store.pop("file_ids", None)
    listed = listed.get("data") if isinstance(listed, dict) else listed
    found = [{"id": each} for each in ids] if isinstance(ids, list) else []
    found += [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    for each in found:
        file_id = each.get("id") or each.get("file_id")
        created_at = store["created_at"]
        member = {
            "object": "vector_store.file",
            "id": file_id,
            "vector_store_id": store.get("id"),
            "created_at": created_at,
            "status": each.get("status", "completed"),
        }
        yield DumpObject(member)
        name = each.get("filename") or each.get("name")
        if isinstance(name, str):
            file = {"id": file_id, "created_at": created_at, "filename": name}
            size = each.get("bytes") or each.get("size")
            yield from _object("file", {**file, "bytes": size or 0}, where)


def _message(value: dict[str, Any], where: DumpPlace) -> dict[str, Any]:
    body = {name: each for name, each in value.items() if name not in ("message_id", "text")}
    body["object"] = "thread.message"
    body["id"] = value.get("id") or value.get("message_id") or where.new_id("msg")
    body["thread_id"] = _thread_of(value, where)
    if "content" not in body:
        body["content"] = value.get("text")
    if body["content"] is None:
        body["content"] = []
    _set_times(body, where)
    return body


def _thread_of(value: dict[str, Any], where: DumpPlace) -> str | None:
    found = value.get("thread_id")
    return found if isinstance(found, str) else where.thread_id


def _is_chat(value: dict[str, Any]) -> bool:
    """Returns True for a chat without an id: messages with role and content alone."""
    found = value.get("messages")
    return isinstance(found, list) and all(
        isinstance(each, dict) and "role" in each and "id" not in each and "thread_id" not in each
        for each in found
    )


def _chat(value: dict[str, Any], where: DumpPlace) -> Iterator[DumpObject]:
    told = value.get("thread_id")
    thread_id = told if isinstance(told, str) else where.new_id("thread")
    yield DumpObject({"object": "thread", "id": thread_id, "created_at": where.now})
    for number, each in enumerate(value["messages"]):
        # instructions are no message
        if each["role"] in ("user", "assistant"):
            below = where.below(number, thread_id=thread_id)
            yield DumpObject(_message(each, below))


def _members(value: dict[str, Any], where: DumpPlace) -> Iterator[DumpObject]:
    """Yields the objects below the members of a snapshot, and of mappings from ids to objects."""
    for name, each in value.items():
        if name in ("config", "assistant") and isinstance(each, dict):
            told = value.get("id") or value.get("assistant_id")
            body = {"id": told, **each} if isinstance(told, str) else each
            yield from find(body, where.below(name))
        elif name in _MEMBERS:
            yield from find(each, where.below(name, key=name))
        elif any(name.startswith(prefix) for prefix in _BY_PREFIX):
            yield from _keyed(name, each, where)


def _keyed(object_id: str, value: Any, where: DumpPlace) -> Iterator[DumpObject]:
    """Yields the object that stands under its id: a thread may be its list of messages, and a file
    its content.
    """
    below = where.below(object_id)
    if object_id.startswith("thread_") and isinstance(value, list):
        value = {"messages": value}
    elif object_id.startswith("file") and isinstance(value, str):
        value = {"content_base64": value}
    if isinstance(value, dict):
        yield from find({"id": object_id, **value}, below)


def _content(value: dict[str, Any]) -> bytes | None:
    for name in _BASE64:
        text = value.get(name)
        if isinstance(text, str):
            try:
                return base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                continue
    return None


def _oldest_first(found: list[Any], *, is_page: bool) -> list[Any]:
    """Returns a list in the order of its times. The pages of the API begin with the newest, unless
    they were asked for otherwise: among objects of one second, too.
    """
    times = [each.get("created_at") if isinstance(each, dict) else None for each in found]
    known = [time for time in times if isinstance(time, int | float)]
    if len(known) < 2 or len(known) != len(found):
        return found
    is_falling = known[0] > known[-1] or (is_page and known[0] == known[-1])
    return found[::-1] if is_falling else found


def _set_times(body: dict[str, Any], where: DumpPlace) -> None:
    for name in _TIMES:
        if name in body:
            body[name] = _seconds(body[name])
    if body.get("created_at") is None:
        body["created_at"] = where.now


def _seconds(value: Any) -> int | None:
    """Returns a time in Unix seconds: of seconds, milliseconds, or a date in ISO 8601."""
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return None
        known = found if found.tzinfo else found.replace(tzinfo=UTC)
        value = known.timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value < 2**53:  # not a number, too
        return None
    return int(value / 1000 if value > _MILLISECONDS else value)
