"""A server, a model server and files whose texts all hold what a terminal would obey."""

import json
import os
import pty
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from perdure.marks import CONTROLS, DIRECTIONS
from tests.cli.forked import Forked
from tests.cli.http_server import answering
from tests.cli.processes import clean
from tests.patience import PATIENCE_SECONDS

SEEN = "CANARY"
# Titles, colours, an answer-back, a link, what clears the screen, in seven bits and in eight.
_SEQUENCES = (
    "\x1b[31m\x1b]0;title\x07\x1b[6n\x1bP+q544e\x1b\\\x1b]8;;x\x1b\\\x1b[2J\x9b31m\x9d0;t\x9c"
)


def _every(insides: str) -> str:
    """The characters of the insides of a character class."""
    found, place = "", 0
    while place < len(insides):
        if insides[place + 1 : place + 2] == "-":
            found += "".join(map(chr, range(ord(insides[place]), ord(insides[place + 2]) + 1)))
            place += 3
        else:
            found += insides[place]
            place += 1
    return found


OBEYED = frozenset(_every(CONTROLS) + _every(DIRECTIONS)) - {"\t", "\n"}
CANARY = SEEN + _SEQUENCES + "".join(sorted(OBEYED)) + "END"
# What may stand in the name of a file, in a variable of the environment and on a command line.
NAME = CANARY.replace("\0", "")

_TIMES = dict.fromkeys(("created_at", "expires_at", "last_active_at", "created"), 1)
_RUN = {
    **_TIMES,
    **dict.fromkeys(("id", "thread_id", "assistant_id", "model", "instructions"), CANARY),
    "tools": [],
}
_CALL = {"id": CANARY, "type": "function", "function": {"name": CANARY, "arguments": CANARY}}
_ASKING = {
    **_RUN,
    "status": "requires_action",
    "required_action": {
        "type": "submit_tool_outputs",
        "submit_tool_outputs": {"tool_calls": [_CALL]},
    },
}
_FAILED = {
    **_RUN,
    "status": "failed",
    "last_error": {"code": "server_error", "message": CANARY},
}
_STORE = {**_TIMES, "id": CANARY, "name": CANARY}
_ASSISTANT = {**_RUN, "object": "assistant", "name": CANARY, "description": CANARY}
_THREAD = {**_TIMES, "id": CANARY, "metadata": {"label": CANARY}}
_NOTE = {
    "type": "file_citation",
    "text": CANARY,
    "start_index": 0,
    "end_index": 1,
    "file_citation": {"file_id": CANARY},
}
_PARTS = [
    {"type": "text", "text": {"value": CANARY, "annotations": [_NOTE]}},
    {"type": "refusal", "refusal": CANARY},
    {"type": "image_file", "image_file": {"file_id": CANARY}},
    {"type": "image_url", "image_url": {"url": CANARY}},
]
_MESSAGE = {
    **_TIMES,
    **dict.fromkeys(("id", "thread_id", "run_id", "assistant_id"), CANARY),
    "role": "assistant",
    "status": "completed",
    "content": _PARTS,
    "attachments": [{"file_id": CANARY}],
}
# By the last part of the path of their list.
_OBJECTS: dict[str, Mapping[str, object]] = {
    "assistants": _ASSISTANT,
    "threads": _THREAD,
    "messages": _MESSAGE,
    "runs": _FAILED,
    "vector_stores": _STORE,
}
_DELTA = {"delta": {"content": [{"index": 0, "type": "text", "text": {"value": CANARY}}]}}
_FILE = {**_TIMES, "id": CANARY, "filename": CANARY, "bytes": 1, "purpose": "assistants"}
_ERROR = {"message": CANARY, "type": CANARY, "code": CANARY, "param": CANARY}
_FAILED_FILE = {
    **_TIMES,
    "id": CANARY,
    "vector_store_id": CANARY,
    "status": "failed",
    "last_error": {"code": "server_error", "message": CANARY},
    "chunking_strategy": {
        "type": "static",
        "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
    },
}
_BATCH = {**_TIMES, "id": CANARY, "vector_store_id": CANARY, "status": "completed"}
_TEXT = {"type": "text", "text": CANARY}
_RESULT = {
    "file_id": CANARY,
    "filename": CANARY,
    "score": 0.5,
    "attributes": {},
    "content": [{"type": "text", "text": CANARY}],
}

_PROJECT: dict[str, object] = {
    **_TIMES,
    "id": CANARY,
    "name": CANARY,
    "status": "active",
    "archived_at": None,
}
_USED = {"project_id": CANARY, "api_key_id": CANARY, "model": CANARY, "input_tokens": 1}
_RATE_LIMIT = {
    "id": CANARY,
    "model": CANARY,
    "max_requests_per_1_minute": 1,
    "max_tokens_per_1_minute": 1,
}
_KEY: dict[str, object] = {
    **_TIMES,
    "id": CANARY,
    "name": CANARY,
    "redacted_value": CANARY,
    "value": CANARY,
    "last_used_at": 1,
    "owner": {
        "type": "service_account",
        "service_account": {"id": CANARY, "name": CANARY, "created_at": 1, "role": "member"},
    },
}


_STEP = {
    **_TIMES,
    **dict.fromkeys(("id", "run_id", "assistant_id", "thread_id"), CANARY),
    "last_error": {"code": "server_error", "message": CANARY},
}
_CALLS = [
    {**_CALL, "function": {"name": CANARY, "arguments": CANARY, "output": CANARY}},
    {
        "id": CANARY,
        "type": "file_search",
        "file_search": {
            "queries": [CANARY],
            "results": [{"file_id": CANARY, "file_name": CANARY, "score": 0.5, "content": [_TEXT]}],
        },
    },
    {
        "id": CANARY,
        "type": "code_interpreter",
        "code_interpreter": {
            "input": CANARY,
            "outputs": [
                {"type": "logs", "logs": CANARY},
                {"type": "image", "image": {"file_id": CANARY}},
            ],
            "files": [{"path": CANARY, "file_id": CANARY}],
        },
    },
]
_STEPS = [
    {
        **_STEP,
        "type": "message_creation",
        "step_details": {
            "type": "message_creation",
            "message_creation": {"message_id": CANARY},
        },
    },
    {**_STEP, "type": "tool_calls", "step_details": {"type": "tool_calls", "tool_calls": _CALLS}},
]
_RECIPE = {
    "version": CANARY,
    "message_ids": [CANARY],
    "roles": CANARY,
    "step_count": 1,
    "context_window": 1,
    "prompt_limit": 1,
    "limited_by": "context_window",
    "left_out": [{"message_id": CANARY, "reason": "empty"}],
    "output_rooms": {CANARY: 1},
    "adjustments": [CANARY],
    "parts": [],
    "tools": [],
    "settings": CANARY,
}
_ENTRIES = [
    {
        "type": "claim",
        **dict.fromkeys(("server", "address"), CANARY),
        **dict.fromkeys(("queued_at", "claimed_at", "epoch"), 1),
    },
    {"type": "release", "at": 1, "reason": "lease_ended", "server": CANARY, "address": CANARY},
    {
        "type": "model_call",
        **dict.fromkeys(("started_at", "ended_at", "first_token_at"), 1e300),
        **dict.fromkeys(("server", "model", "error_code", "step_id"), CANARY),
        "outcome": "failed",
        "attempts": [{"at": 1, "status": 1, "code": CANARY, "adjustments": [CANARY]}],
        "recipe": _RECIPE,
    },
    {
        "type": "output_wait",
        "step_id": CANARY,
        "call_ids": [CANARY],
        "asked_at": 1,
        "submitted_at": None,
    },
]
_TRACE = {
    "run_id": CANARY,
    "thread_id": CANARY,
    "status": "failed",
    "created_at": 1,
    "started_at": None,
    "is_kept": True,
    "is_whole": False,
    "entries": _ENTRIES,
}


def _listed(*objects: Mapping[str, object]) -> dict[str, object]:
    return {"object": "list", "data": objects, "has_more": False}


def _answer(method: str, path: str) -> dict[str, object]:
    """What a server says to a call, by the last part of its path."""
    last = path.partition("?")[0].rpartition("/")[2]
    if "/vector_stores/" in path and "/files" in path and "file_batches" not in path:
        is_list = method == "GET" and last == "files"
        return _listed(_FAILED_FILE) if is_list else _FAILED_FILE
    if method == "GET" and (found := _object(path, last)) is not None:
        return found
    match method, last:
        case "GET", "models":
            return _listed({"id": CANARY, "object": "model", "owned_by": CANARY, **_TIMES})
        case "GET", "files":
            return _listed(_FAILED_FILE if "file_batches" in path else _FILE)
        case "POST", "files":
            return _FILE
        case _, "cancel":
            return _FAILED
        case "POST", "file_batches":
            return _BATCH
        case "POST", "search":
            return {"search_query": [CANARY], "data": [_RESULT]}
        case _:
            return {**_STORE, "object": CANARY} if last != "vector_stores" else _STORE


_LIMITS: Mapping[str, dict[str, object]] = {
    "rate_limits": {**_listed(_RATE_LIMIT), "last_id": CANARY},
    "limits": {"max_active_runs": 1, "max_total_file_bytes": None},
    "spend_limit": {"threshold_amount": 1, "enforcement": {"status": "inactive"}},
    "model_permissions": {"mode": "allow_list", "model_ids": [CANARY]},
}


def _administered(method: str, path: str) -> dict[str, object]:
    """What a server says to an admin."""
    *_, above, last = path.partition("?")[0].split("/")
    if "/usage/" in path:
        return {"data": [{"results": [_USED]}], "has_more": False, "next_page": None}
    if last in _LIMITS:
        return _LIMITS[last]
    match method, last:
        case "GET", "projects":
            return _listed(_PROJECT, {**_PROJECT, "id": "proj_default"})
        case "GET", "api_keys":
            return _listed(_KEY)
        case "GET", "admin_api_keys":
            return _listed({**_KEY, "owner": {}})
        case "POST", "service_accounts":
            return {**_PROJECT, "api_key": _KEY}
        case _, "api_keys" | "admin_api_keys":
            return {**_KEY, "owner": {}} if last == "admin_api_keys" else _KEY
        case _:
            return {**_KEY, "owner": {}} if above == "admin_api_keys" else _PROJECT


def _object(path: str, last: str) -> dict[str, object] | None:
    """An object that is asked for by its path, or a list of such."""
    parent = path.split("/")[-2]
    match last:
        case "steps":
            return _listed(*_STEPS)
        case "trace":
            return _TRACE
        case _ if last in _OBJECTS:
            return _listed(_OBJECTS[last])
        case _ if parent in _OBJECTS:
            return dict(_OBJECTS[parent])
        case _:
            return None


def _events(path: str) -> list[tuple[str, object]]:
    """What a run tells: it asks, and fails when it is answered."""
    told: list[tuple[str, object]] = [
        ("thread.message.delta", _DELTA),
        ("thread.message.completed", {}),
        ("error", _ERROR),
    ]
    if path.endswith("submit_tool_outputs"):
        return [*told, ("thread.run.failed", _FAILED)]
    return [*told, ("thread.run.requires_action", _ASKING)]


class _Handler(BaseHTTPRequestHandler):
    """Below `/refusing` each call is refused, below `/senseless` the answers have other shapes,
    below `/garbled` they are no HTTP.
    """

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def do_DELETE(self) -> None:
        self._reply()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def _reply(self) -> None:
        self._read_body()
        kind = self.path.split("/")[1]
        if kind == "garbled":
            self.wfile.write(f"HTTP/1.1 2{NAME}00 {NAME}\r\n{NAME}\r\n\r\n".encode())
            self.close_connection = True
        elif kind == "refusing":
            self._send(503, {"error": _ERROR})
        elif kind == "senseless":
            self._send(200, {"data": CANARY, "id": [CANARY], "status": CANARY})
        elif self.path.endswith("/stream") or (
            self.command == "POST" and self.path.endswith(("/runs", "/submit_tool_outputs"))
        ):
            told = (f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in
                    _events(self.path))  # fmt: skip
            self._write(200, "".join(told).encode(), "text/event-stream")
        else:
            is_admins = "/organization/" in self.path
            answer = _administered if is_admins else _answer
            self._send(200, answer(self.command, self.path))

    def _read_body(self) -> None:
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        else:
            self.rfile.read(int(self.headers.get("content-length", 0)))

    def _send(self, status: int, body: object) -> None:
        self._write(status, json.dumps(body).encode(), "application/json")

    def _write(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def hostile_server() -> Iterator[str]:
    """Its URL."""
    with answering(_Handler) as address:
        yield f"http://{address}"


class OnTerminal:
    """A command that writes to a terminal, of a kind for which nobody writes colours."""

    def __init__(self, *arguments: str | Path, cwd: Path, **environment: str) -> None:
        self._terminal, theirs = pty.openpty()
        self.process = Forked(
            list(map(str, arguments)),
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env=clean({"TERM": "dumb", "COLUMNS": "4000", "LINES": "50", **environment}),
        )
        os.close(theirs)

    def type(self, said: str) -> None:
        """Types it, and then nothing more."""
        assert self.process.stdin is not None
        self.process.stdin.write(said)
        self.process.stdin.close()

    def read(self, end: str | None = None) -> str:
        """What is shown, up to this text, or to the end."""
        shown = b""
        while end is None or end.encode() not in shown:
            try:
                piece = os.read(self._terminal, 65536)
            except OSError:  # nobody writes there any more
                break
            if not piece:
                break
            shown += piece
        return shown.decode()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(PATIENCE_SECONDS)
        os.close(self._terminal)
