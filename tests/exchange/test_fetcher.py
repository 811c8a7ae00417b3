"""All objects are fetched from a live server, however it behaves (spec 10 §3.3)."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from perdure.errors import ConfigurationError
from perdure.exchange.fetched_folder import FetchedFolder
from perdure.exchange.fetcher import Fetcher, thread_ids_in
from perdure.exchange.remote_server import FetchFailed, RemoteServer
from tests.exchange.places import Place, lines, violations

SOURCE = "http://there"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Live:
    """A server with many threads, which misbehaves as the test says: `faults` are answers that come
    before the right one, by path.
    """

    def __init__(self) -> None:
        self.faults: dict[str, list[Handler]] = {}
        self.asked: Counter[str] = Counter()
        self.files = {"assistant-1": b"Azure names files so", "file-2": b""}
        self.refused = {"file-2"}
        self.threads = [f"thread_{number:03d}" for number in range(120)]
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.asked[path] += 1
        if request.headers.get("authorization") != "Bearer good":
            return web.Response(status=401)
        if self.faults.get(path):
            return await self.faults[path].pop(0)(request)
        return self._right(request, path)

    def _right(  # noqa: C901 # a table of paths
        self, request: web.Request, path: str
    ) -> web.StreamResponse:
        match path.strip("/").split("/"):
            case ["assistants"]:
                return self._page(request, [
                    {"id": "asst_1", "object": "assistant", "created_at": 1, "model": "gpt-4o",
                     "tools": [{"type": "bing_grounding", "bing_grounding": {"x": 1}},
                               {"type": "code_interpreter"}],
                     "tool_resources": {"azure_ai_search": {"indexes": []}}},
                ])  # fmt: skip
            case ["files"]:
                return self._page(request, [
                    {"id": each, "object": "file", "created_at": 2, "bytes": len(content),
                     "filename": "a.txt", "purpose": "assistants"}
                    for each, content in self.files.items()
                ])  # fmt: skip
            case ["files", file_id, "content"]:
                if file_id in self.refused:
                    return web.Response(status=400)
                return web.Response(body=self.files[file_id])
            case ["vector_stores"]:
                return self._page(request, [
                    {"id": "vs_1", "object": "vector_store", "created_at": 3, "name": "s"}
                ])  # fmt: skip
            case ["vector_stores", _, "files"]:
                return self._page(request, [
                    {"id": "assistant-1", "object": "vector_store.file", "created_at": 3,
                     "status": "completed", "chunking_strategy": {"type": "other"}}
                ])  # fmt: skip
            case ["threads"]:
                return self._page(request, [self._thread(each) for each in self.threads])
            case ["threads", thread_id]:
                if thread_id not in self.threads:
                    return web.Response(status=404)
                return web.json_response(self._thread(thread_id))
            case ["threads", thread_id, "messages"]:
                return self._page(request, [self._message(thread_id)])
            case ["threads", thread_id, "runs"]:
                return self._page(request, [self._run(thread_id)])
            case ["threads", thread_id, "runs", run_id, "steps"]:
                return self._page(request, [self._step(thread_id, run_id)])
        return web.Response(status=404)

    @staticmethod
    def _thread(thread_id: str) -> dict[str, Any]:
        return {"id": thread_id, "object": "thread", "created_at": 4, "metadata": None}

    @staticmethod
    def _message(thread_id: str) -> dict[str, Any]:
        notes = [{"type": "url_citation", "url_citation": {"url": "http://x"}}]
        return {
            "id": f"msg_{thread_id}", "object": "thread.message", "created_at": 5,
            "thread_id": thread_id, "role": "assistant", "assistant_id": "asst_1",
            "run_id": f"run_{thread_id}", "status": "completed",
            "content": [{"type": "text", "text": {"value": "Hi", "annotations": notes}}],
        }  # fmt: skip

    @staticmethod
    def _run(thread_id: str) -> dict[str, Any]:
        return {
            "id": f"run_{thread_id}", "object": "thread.run", "created_at": 5,
            "status": "completed", "thread_id": thread_id, "assistant_id": "asst_1",
            "model": "gpt-4o", "completed_at": 6,
            "tools": [{"type": "bing_grounding"}], "tool_choice": {"type": "bing_grounding"},
            "incomplete_details": None, "usage": {"prompt_tokens": 1, "completion_tokens": 2,
                                                  "total_tokens": 3},
        }  # fmt: skip

    @staticmethod
    def _step(thread_id: str, run_id: str) -> dict[str, Any]:
        return {
            "id": f"step_{thread_id}", "object": "thread.run.step", "created_at": 5,
            "thread_id": thread_id, "run_id": run_id, "assistant_id": "asst_1",
            "status": "completed", "completed_at": 6, "type": "tool_calls",
            "step_details": {"type": "tool_calls", "tool_calls": [{"type": "bing_grounding"}]},
        }  # fmt: skip

    @staticmethod
    def _page(request: web.Request, all_: list[dict[str, Any]]) -> web.StreamResponse:
        after = request.query.get("after")
        ids = [each["id"] for each in all_]
        if after is not None and after not in ids:
            return web.Response(status=404)
        start = ids.index(after) + 1 if after else 0
        page = all_[start : start + int(request.query["limit"])]
        more = start + len(page) < len(all_)
        return web.json_response({"object": "list", "data": page, "has_more": more})


@asynccontextmanager
async def running(live: Live) -> AsyncIterator[Live]:
    app = web.Application()
    app.router.add_route("GET", "/{path:.*}", live.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    live.url = f"http://{host}:{port}"
    try:
        yield live
    finally:
        await runner.cleanup()


class Keys:
    """Tokens: the first is one that has run out."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens) or ["good"]

    async def __call__(self, renewed: bool) -> dict[str, str]:
        if renewed and len(self._tokens) > 1:
            self._tokens.pop(0)
        return {"Authorization": f"Bearer {self._tokens[0]}"}


async def fetch(
    live: Live, path: Path, thread_ids: list[str] | None = None, keys: Keys | None = None
) -> tuple[Fetcher, list[float]]:
    """Fetches all. Returns how long it would have waited between tries."""
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    with FetchedFolder(path, SOURCE) as folder:
        async with RemoteServer(live.url, keys or Keys(), {}, pause=pause) as server:
            fetcher = Fetcher(server, folder, lambda _: None)
            await fetcher.run(thread_ids)
        folder.complete(now=7)
    return fetcher, waits


def ids(path: Path) -> list[str]:
    return sorted(each["id"] for each in lines(path))


async def status(code: int, **headers: str) -> web.StreamResponse:
    return web.Response(status=code, headers={k.replace("_", "-"): v for k, v in headers.items()})


async def cut(request: web.Request) -> web.StreamResponse:
    """An answer whose body ends too early."""
    answer = web.StreamResponse(headers={"content-length": "1000"})
    await answer.prepare(request)
    await answer.write(b'{"data": [')
    assert request.transport is not None
    request.transport.close()
    return answer


async def senseless(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b"<html>")


async def test_all_that_a_live_server_has_is_imported(
    source: Place, tmp_path: Path, database_url: str | None
) -> None:
    async with running(Live()) as live:
        fetcher, _ = await fetch(live, tmp_path / "fetched")
    assert fetcher.missing == ["file-2"]
    result = await source.imports(tmp_path / "fetched")
    assert result.tally.failures == []
    assert {kind: fates["created"] for kind, fates in result.tally.fates.items()} == {
        "file": 2, "vector_store": 1, "vector_store.file": 1, "assistant": 1, "thread": 120,
        "thread.message": 120, "thread.run": 120, "thread.run.step": 120,
    }  # fmt: skip
    assert await violations(source) == []
    again = lines(await source.export(tmp_path / "again"))
    assistant = next(each for each in again if each["object"] == "assistant")
    assert assistant["tools"] == [{"type": "code_interpreter"}]
    assert assistant["_export"]["unsupported_tools"][0]["type"] == "bing_grounding"
    lost = next(each for each in again if each["id"] == "file-2")
    assert lost["status"] == "error"


async def test_a_server_that_misbehaves_is_asked_again(tmp_path: Path) -> None:
    live = Live()
    live.faults = {
        "/assistants": [lambda _: status(429, Retry_After="7"), cut, senseless],
        "/files/assistant-1/content": [cut, lambda _: status(503)],
        "/threads/thread_001/messages": [lambda _: status(500), cut],
        "/threads": [senseless],
    }
    async with running(live):
        _, waits = await fetch(live, tmp_path / "odd")
        await fetch(live, tmp_path / "even")
    assert ids(tmp_path / "odd") == ids(tmp_path / "even")
    assert waits[0] == 7
    assert (tmp_path / "odd" / "files" / "assistant-1").read_bytes() == b"Azure names files so"
    assert [path.name for path in (tmp_path / "odd" / "files").iterdir()] == ["assistant-1"]


async def test_what_was_fetched_is_not_fetched_again_after_a_fault(tmp_path: Path) -> None:
    live = Live()
    live.faults = {"/threads/thread_100/messages": [lambda _: status(500)] * 10}
    path = tmp_path / "fetched"
    async with running(live):
        with pytest.raises(FetchFailed, match="10 times"):
            await fetch(live, path)
        assert not (path / "manifest.json").exists()
        with (path / "objects.jsonl").open("ab") as objects:
            objects.write(b'{"cut')
        with (path / "journal.jsonl").open("ab") as journal:
            journal.write(b'{"part":"thread')
        live.asked.clear()
        await fetch(live, path)
        assert live.asked["/threads/thread_000"] == 0
        assert live.asked["/assistants"] == 0
        assert live.asked["/threads/thread_100"] == 1
        await fetch(live, tmp_path / "whole")
    assert ids(path) == ids(tmp_path / "whole")


async def test_lists_may_change_meanwhile(tmp_path: Path) -> None:
    live = Live()

    async def changes(request: web.Request) -> web.StreamResponse:
        """The object that the next page begins behind is deleted, and another is added."""
        answer = live._right(request, "/threads")
        live.threads.remove("thread_099")
        live.threads.append("thread_new")
        return answer

    live.faults = {"/threads": [changes]}
    async with running(live):
        fetcher, _ = await fetch(live, tmp_path / "fetched")
    assert fetcher.missing == ["file-2", "thread_099"]
    found = [each["id"] for each in lines(tmp_path / "fetched") if each["object"] == "thread"]
    assert sorted(found) == sorted(live.threads)


async def test_a_token_that_ran_out_is_renewed(tmp_path: Path) -> None:
    async with running(Live()) as live:
        await fetch(live, tmp_path / "fetched", ["thread_001"], Keys("old", "good"))
        with pytest.raises(FetchFailed, match="401"):
            await fetch(live, tmp_path / "other", ["thread_001"], Keys("old"))


async def test_threads_are_named_where_a_server_lists_none(tmp_path: Path) -> None:
    named = tmp_path / "ids.csv"
    named.write_text('user,thread\n1,"thread_001"\n2,thread_002\n2,thread_002\n3,thread_gone\n')
    assert thread_ids_in(named) == ["thread_001", "thread_002", "thread_gone"]
    async with running(Live()) as live:
        fetcher, _ = await fetch(live, tmp_path / "fetched", thread_ids_in(named))
        assert live.asked["/threads"] == 0
    assert fetcher.missing == ["file-2", "thread_gone"]
    found = [each["id"] for each in lines(tmp_path / "fetched") if each["object"] == "thread"]
    assert sorted(found) == ["thread_001", "thread_002"]


def test_the_folder_of_another_server_is_refused(tmp_path: Path) -> None:
    with FetchedFolder(tmp_path / "x", SOURCE) as folder:
        folder.finish("thread 1", [{"object": "thread", "id": "thread_1", "created_at": 1}])
    with (
        pytest.raises(ConfigurationError, match="another server"),
        FetchedFolder(tmp_path / "x", "http://elsewhere"),
    ):
        pass
    assert json.loads((tmp_path / "x" / "objects.jsonl").read_text())["id"] == "thread_1"
