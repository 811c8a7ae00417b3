"""To a key of one project, what is in another does not exist.

Every operation, by every path, with ids of another project in the path, the query and the body: the
answer is that to ids that were never given, and nothing is changed.
"""

import re
import sqlite3
from collections.abc import Iterator
from itertools import cycle, product
from typing import Any, NamedTuple

import httpx2
import psycopg
import pytest

from perdure import ids
from perdure.api.routes import ROUTES
from perdure.app import Perdure
from perdure.testing.manual_clock import ManualClock
from tests.api.admin import ADMIN, Admin

FUNCTION = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}
TOOLS = ("file_search", "code_interpreter")
# Where clients find the operations. The project of the path is that of the key.
MOUNTS = ("/v1", "/openai", "/openai/v1", "", "/api/projects/{project}",
          "/api/projects/{project}/openai/v1")  # fmt: skip
# Requests to a model server, which have no object.
_PASSED_ON = ("/models", "/chat/completions", "/completions", "/embeddings", "/deployments")
# Of the whole server, for its operators.
_OPERATORS = ("/organization", "/model_adjustments")
_VOLATILE = ("x-request-id", "openai-processing-ms", "date", "content-length")


class Objects(NamedTuple):
    """The ids of one project's objects, each under the name that paths and bodies have for it."""

    assistant_id: str
    thread_id: str
    message_id: str
    run_id: str
    step_id: str
    vector_store_id: str
    file_id: str
    batch_id: str
    upload_id: str
    part_id: str
    # The model's own word, which may be the same in several projects.
    call_id: str
    # Deleted, so that lists know their places.
    old_assistant_id: str
    old_thread_id: str
    old_message_id: str
    old_file_id: str
    old_vector_store_id: str


def never() -> Objects:
    """Ids that were never given."""
    file, hexed = ids.new_file, ids.new_hex
    return Objects(
        ids.new("asst"), ids.new("thread"), ids.new("msg"), ids.new("run"), ids.new("step"),
        hexed("vs"), file(), hexed("vsfb"), hexed("upload"), hexed("part"), ids.new("call"),
        ids.new("asst"), ids.new("thread"), ids.new("msg"), file(), hexed("vs"),
    )  # fmt: skip


class Client:
    """A program with the key of one project."""

    def __init__(self, http: httpx2.AsyncClient, project: str, secret: str) -> None:
        self._http = http
        self.project = project
        self._headers = {"authorization": f"Bearer {secret}", "openai-beta": "assistants=v2"}

    async def send(
        self, method: str, path: str, body: Any = None, *, mount: str = "/v1"
    ) -> httpx2.Response:
        url = f"http://127.0.0.1{mount.format(project=self.project)}{path}"
        if isinstance(body, dict) and "form" in body:
            return await self._http.request(
                method, url, headers=self._headers, files={body["form"]: ("a.txt", b"Bees")},
                data={"purpose": "assistants"} if body["form"] == "file" else {},
            )  # fmt: skip
        return await self._http.request(method, url, json=body, headers=self._headers)

    async def post(self, path: str, body: Any = None) -> Any:
        answer = await self.send("POST", path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def objects(self) -> Objects:
        """One of everything, and a run that waits for the output of a tool."""
        assistant = await self.post("/assistants", {"model": "scripted", "tools": [FUNCTION]})
        file = await self.post("/files", {"form": "file"})
        store = await self.post("/vector_stores")
        base = f"/vector_stores/{store['id']}"
        batch = await self.post(f"{base}/file_batches", {"file_ids": [file["id"]]})
        resources = {
            "file_search": {"vector_store_ids": [store["id"]]},
            "code_interpreter": {"file_ids": [file["id"]]},
        }
        thread = await self.post("/threads", {"tool_resources": resources})
        on = f"/threads/{thread['id']}"
        old_message = await self.post(f"{on}/messages", {"role": "user", "content": "old"})
        await self.send("DELETE", f"{on}/messages/{old_message['id']}")
        asked = {"role": "user", "content": "call: get_weather"}
        message = await self.post(f"{on}/messages", asked)
        run = {"assistant_id": assistant["id"], "stream": True}
        told = (await self.send("POST", f"{on}/runs", run)).text
        run_id, call_id = (re.findall(rf'"({kind}_\w+)"', told)[0] for kind in ("run", "call"))
        step_id = re.findall(r'"(step_\w+)"', told)[0]
        purpose = {"filename": "b.txt", "purpose": "assistants", "bytes": 4}
        upload = await self.post("/uploads", {**purpose, "mime_type": "text/plain"})
        part = await self.post(f"/uploads/{upload['id']}/parts", {"form": "data"})
        old = [
            (await self.post(path, body))["id"]
            for path, body in (
                ("/assistants", {"model": "m"}), ("/threads", None), ("/files", {"form": "file"}),
                ("/vector_stores", None),
            )
        ]  # fmt: skip
        for path, each in zip(
            ("assistants", "threads", "files", "vector_stores"), old, strict=True
        ):
            assert (await self.send("DELETE", f"/{path}/{each}")).status_code == 200
        return Objects(
            assistant["id"], thread["id"], message["id"], run_id, step_id, store["id"],
            file["id"], batch["id"], upload["id"], part["id"], call_id,
            old[0], old[1], old_message["id"], old[2], old[3],
        )  # fmt: skip


class Request(NamedTuple):
    """A request whose path and body have the names of ids in braces."""

    method: str
    path: str
    body: Any = None


def bodies(path: str) -> list[Any]:
    """Bodies that a route takes."""
    upload = {"filename": "c.txt", "purpose": "assistants", "bytes": 4, "mime_type": "text/plain"}
    known: dict[str, list[Any]] = {
        "/assistants": [{"model": "m"}],
        "/threads": [{}],
        "/threads/runs": [{"assistant_id": "{assistant_id}"}],
        "/threads/{thread_id}/messages": [{"role": "user", "content": "x"}],
        "/threads/{thread_id}/runs": [{"assistant_id": "{assistant_id}"}],
        "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs": [
            {"tool_outputs": [{"tool_call_id": "{call_id}", "output": "x"}], "stream": stream}
            for stream in (False, True)
        ],
        "/vector_stores/{vector_store_id}/search": [{"query": "bees"}],
        "/vector_stores/{vector_store_id}/files": [{"file_id": "{file_id}"}],
        "/vector_stores/{vector_store_id}/files/{file_id}": [{"attributes": {"a": 1}}],
        "/vector_stores/{vector_store_id}/file_batches": [{"file_ids": ["{file_id}"]}],
        "/files": [{"form": "file"}],
        "/uploads": [upload],
        "/uploads/{upload_id}/parts": [{"form": "data"}],
        "/uploads/{upload_id}/complete": [{"part_ids": ["{part_id}"]}],
    }
    return known.get(path, [{"metadata": {"by": "the other"}}] if path.endswith("_id}") else [None])


def _images(file: str) -> dict[str, Any]:
    content = [{"type": "image_file", "image_file": {"file_id": file}}]
    return {"role": "user", "content": content}


def _attached(file: str, tool: str) -> dict[str, Any]:
    tools = [{"type": tool}]
    return {"role": "user", "content": "x", "attachments": [{"file_id": file, "tools": tools}]}


def with_ids_in_bodies() -> Iterator[Request]:
    """Requests whose own path is right, and whose body names what is not there."""
    file, store = "{file_id}", "{vector_store_id}"
    resources: list[dict[str, Any]] = [
        {"file_search": {"vector_store_ids": [store]}},
        {"code_interpreter": {"file_ids": [file]}},
        {"file_search": {"vector_stores": [{"file_ids": [file]}]}},
    ]
    messages: list[dict[str, Any]] = [
        _images(file),
        _attached(file, "file_search"),
        _attached(file, "code_interpreter"),
    ]
    body: dict[str, Any]
    for each in resources:
        yield Request("POST", "/assistants", {"model": "m", "tool_resources": each})
        yield Request("POST", "/threads", {"tool_resources": each})
        if "'vector_stores'" not in str(each):
            yield Request("POST", "/assistants/{own.assistant_id}", {"tool_resources": each})
            yield Request("POST", "/threads/{own.thread_id}", {"tool_resources": each})
        body = {"assistant_id": "{own.assistant_id}", "thread": {"tool_resources": each}}
        yield Request("POST", "/threads/runs", body)
        body = {"assistant_id": "{own.assistant_id}", "tool_resources": each}
        yield Request("POST", "/threads/runs", body)
    for message in messages:
        yield Request("POST", "/threads", {"messages": [message]})
        yield Request("POST", "/threads/{own.idle_thread_id}/messages", message)
        body = {"assistant_id": "{own.assistant_id}", "additional_messages": [message]}
        yield Request("POST", "/threads/{own.idle_thread_id}/runs", body)
        body = {"assistant_id": "{own.assistant_id}", "thread": {"messages": [message]}}
        yield Request("POST", "/threads/runs", body)
    yield Request("POST", "/threads/{own.idle_thread_id}/runs", {"assistant_id": "{assistant_id}"})
    yield Request("POST", "/threads/{own.thread_id}/copy", {"up_to": "{message_id}"})
    yield Request("POST", "/threads/{own.thread_id}/copy", {"messages": [{"id": "{message_id}"}]})
    yield Request("POST", "/vector_stores", {"file_ids": [file]})
    base = "/vector_stores/{own.vector_store_id}"
    yield Request("POST", f"{base}/files", {"file_id": file})
    yield Request("POST", f"{base}/file_batches", {"file_ids": ["{own.file_id}", file]})
    yield Request("POST", f"{base}/file_batches", {"files": [{"file_id": file}]})
    yield Request("POST", "/uploads/{own.upload_id}/complete", {"part_ids": ["{part_id}"]})


def with_cursors() -> Iterator[Request]:
    """Pages behind and before what is not there, or not there any more."""
    lists = {
        "/assistants": ("assistant_id", "old_assistant_id"),
        "/threads": ("thread_id", "old_thread_id"),
        "/threads/{own.thread_id}/messages": ("message_id", "old_message_id"),
        "/threads/{own.thread_id}/runs": ("run_id",),
        "/threads/{own.thread_id}/runs/{own.run_id}/steps": ("step_id",),
        "/vector_stores": ("vector_store_id", "old_vector_store_id"),
        "/vector_stores/{own.vector_store_id}/files": ("file_id", "old_file_id"),
        "/vector_stores/{own.vector_store_id}/file_batches/{own.batch_id}/files": ("file_id",),
        "/files": ("file_id", "old_file_id"),
        "/runs": ("run_id",),
    }
    for path, names in lists.items():
        for name, cursor in product(names, ("after", "before")):
            yield Request("GET", f"{path}?{cursor}={{{name}}}")
    yield Request("GET", "/threads/{own.thread_id}/messages?run_id={run_id}")
    for name in ("assistant_id", "thread_id"):
        yield Request("GET", f"/runs?{name}={{{name}}}")


def of_routes() -> Iterator[Request]:
    """Every operation on an object, with each choice of whose the ids of its path are."""
    for method, path, _ in ROUTES:
        names = re.findall(r"\{(\w+)\}", path)
        if not names or path.startswith((*_OPERATORS, *_PASSED_ON)):
            continue
        for whose in product(("", "own."), repeat=len(names)):
            if all(whose):
                continue
            chosen = path
            for name, mine in zip(names, whose, strict=True):
                chosen = chosen.replace(f"{{{name}}}", f"{{{mine}{name}}}")
            for body in bodies(path) if method == "POST" else [None]:
                yield Request(method, chosen, body)


REQUESTS = (*of_routes(), *with_ids_in_bodies(), *with_cursors())


def _filled(template: Any, theirs: Objects, own: dict[str, str]) -> Any:
    """A path or a body with ids in the place of their names."""
    if isinstance(template, str):
        known = {**theirs._asdict(), **{f"own.{name}": each for name, each in own.items()}}
        return re.sub(r"\{([\w.]+)\}", lambda name: known[name[1]], template)
    if isinstance(template, dict):
        return {key: _filled(each, theirs, own) for key, each in template.items()}
    if isinstance(template, list):
        return [_filled(each, theirs, own) for each in template]
    return template


def _seen(answer: httpx2.Response, named: Objects) -> tuple[int, str, dict[str, str]]:
    """What a program sees of an answer, with the ids of its request as their names."""
    text = answer.text
    for name, each in named._asdict().items():
        text = text.replace(each, name)
    headers = {name: each for name, each in answer.headers.items() if name not in _VOLATILE}
    return answer.status_code, text, headers


@pytest.fixture
def chosen() -> dict[str, object]:
    # No worker changes rows meanwhile, and threads are listed.
    return {"admin_key": ADMIN, "list_threads": True}


def dump(app: Perdure, url: str | None) -> dict[str, list[str]]:
    """All rows of all tables."""
    if url is not None:
        with psycopg.connect(url) as connection:
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall()
            return {
                name: sorted(map(str, connection.execute(f"TABLE {name}".encode())))
                for (name,) in tables
            }
    file = sqlite3.connect(app.settings.data_dir / "perdure.db")
    tables = file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    found = {name: sorted(map(str, file.execute(f"SELECT * FROM {name}"))) for (name,) in tables}
    file.close()
    return found


def of_project(rows: dict[str, list[str]], objects: Objects) -> dict[str, list[str]]:
    """The rows that name an object of a project, or belong to it."""
    named = [each for each in objects if each != objects.call_id]
    return {
        table: [row for row in found if any(each in row for each in named)]
        for table, found in rows.items()
        # Of no object: servers that live.
        if table != "servers"
    }


async def test_what_is_in_another_project_does_not_exist(
    app: Perdure, http: httpx2.AsyncClient, database_url: str | None, clock: ManualClock
) -> None:
    admin = Admin(http)
    blue, green = await admin.project("Blue"), await admin.project("Green")
    theirs = Client(http, blue, (await admin.key(blue)).secret)
    mine = Client(http, green, (await admin.key(green)).secret)
    objects = await theirs.objects()
    own = (await mine.objects())._asdict()
    own["idle_thread_id"] = (await mine.post("/threads"))["id"]
    await app.engine.ingest.drain()
    before = of_project(dump(app, database_url), objects)
    mounts, differ = cycle(MOUNTS), []
    for request in REQUESTS:
        mount = next(mounts)
        seen = []
        for named in (objects, never()):
            path = _filled(request.path, named, own)
            body = _filled(request.body, named, own)
            answer = await mine.send(request.method, path, body, mount=mount)
            seen.append(_seen(answer, named))
        # Nothing is found by a filter, and all else is refused.
        is_found = seen[0][0] == 200 and not re.search(r"\?\w+_id=", request.path)
        if seen[0] != seen[1] or is_found:
            differ.append((mount, request, seen))
    assert differ == [], str(differ[0][2])
    assert of_project(dump(app, database_url), objects) == before
    # The very same requests reach what is there: the ids are right.
    for method, path, _ in ROUTES:
        names = re.findall(r"\{(\w+)\}", path)
        if method == "GET" and names and set(names) <= set(own):
            found = await theirs.send(method, _filled(path, objects, own))
            # The file is still being read.
            assert found.status_code == 200 or path.endswith(("/content", "/chunks")), (
                path, found.text,
            )  # fmt: skip
