"""Fetching of all objects from a live server (spec 10 §3.3) into a folder that is imported then."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from perdure.errors import ConfigurationError
from perdure.exchange.fetched_folder import FetchedFolder
from perdure.exchange.remote_server import FetchFailed, RemoteServer, part

_THREADS_AT_ONCE = 4
_THREAD_ID = re.compile(r"\bthread_[A-Za-z0-9_-]{1,240}")
_FILE_ID = re.compile(r"[A-Za-z0-9_-]{1,256}")


def thread_ids_in(path: Path) -> list[str]:
    """Returns the ids of threads in a file, whatever stands around them: one a line, or a column of
    a table. Raises `ConfigurationError`.
    """
    found: dict[str, None] = {}
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                found.update(dict.fromkeys(_THREAD_ID.findall(line)))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    if not found:
        raise ConfigurationError(f"{path} has no id of a thread, such as thread_abc.")
    return list(found)


class Fetcher:
    """The fetching from one server. `told` is called with each part that is complete."""

    def __init__(
        self, server: RemoteServer, folder: FetchedFolder, told: Callable[[str], None]
    ) -> None:
        self._server = server
        self._folder = folder
        self._told = told
        self.missing: list[str] = []

    async def run(self, thread_ids: Sequence[str] | None) -> None:
        """Fetches assistants, files, vector stores and threads: those that are named, or else all
        that the server lists. Raises `FetchFailed`, after which it can be run again.
        """
        if not self._folder.is_done("assistants"):
            found = [each async for each in self._server.all("/assistants")]
            self._folder.finish("assistants", found)
            self._told("assistants")
        await self._files()
        await self._stores()
        if thread_ids is None:
            thread_ids = [each["id"] async for each in self._server.all("/threads")]
        waiting = iter(thread_ids)
        at_work = [asyncio.create_task(self._threads(waiting)) for _ in range(_THREADS_AT_ONCE)]
        try:
            await asyncio.gather(*at_work)
        finally:
            for task in at_work:
                task.cancel()
            await asyncio.gather(*at_work, return_exceptions=True)

    async def _files(self) -> None:
        async for each in self._server.all("/files"):
            file_id = each["id"]
            name = f"file {file_id}"
            if not _FILE_ID.fullmatch(file_id) or self._folder.is_done(name):
                continue
            size = await self._content(file_id)
            mark = {"bytes_missing": True} if size is None else {}
            found = each if size is None else {**each, "bytes": size}
            self._folder.finish(name, [{**found, "_export": mark}])
            self._told(name)

    async def _content(self, file_id: str) -> int | None:
        """Fetches the content of a file. Returns its size; None where the server has none for
        us.
        """
        path = self._folder.content_path(file_id)
        new = path.with_name(f"{path.name}.new")
        try:
            with new.open("w+b") as file:
                size = await self._server.download(f"/files/{part(file_id)}/content", file)
        except FetchFailed as error:
            new.unlink(missing_ok=True)
            if error.status is None or error.status in (401, 429) or error.status >= 500:
                raise
            self.missing.append(file_id)
            return None
        new.replace(path)
        return size

    async def _stores(self) -> None:
        async for each in self._server.all("/vector_stores"):
            store_id = each["id"]
            name = f"vector store {store_id}"
            if self._folder.is_done(name):
                continue
            members = self._members(f"/vector_stores/{part(store_id)}/files")
            try:
                found = [{**member, "vector_store_id": store_id} async for member in members]
            except _Gone:
                found = []
            self._folder.finish(name, [each, *found])
            self._told(name)

    async def _members(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Yields the objects of a list. Raises `_Gone` where its parent was deleted meanwhile."""
        try:
            async for each in self._server.all(path):
                yield each
        except FetchFailed as error:
            if error.status in (404, 410):
                raise _Gone from None
            raise

    async def _threads(self, waiting: Iterator[str]) -> None:
        for thread_id in waiting:
            name = f"thread {thread_id}"
            if self._folder.is_done(name):
                continue
            found = await self._thread(thread_id)
            if found is None:
                self.missing.append(thread_id)
            self._folder.finish(name, found or ())
            self._told(name)

    async def _thread(self, thread_id: str) -> list[dict[str, Any]] | None:
        """Returns a thread with all that is on it; None where there is none (any more)."""
        path = f"/threads/{part(thread_id)}"
        try:
            found = [await self._server.get(path)]
        except FetchFailed as error:
            if error.status in (400, 404, 410):
                return None
            raise
        try:
            found += [each async for each in self._members(f"{path}/messages")]
            runs = [each async for each in self._members(f"{path}/runs")]
            found += runs
            for run in runs:
                steps = f"{path}/runs/{part(run['id'])}/steps"
                found += [each async for each in self._members(steps)]
        except _Gone:
            return None
        return found


class _Gone(Exception):
    """The parent of a list was deleted meanwhile."""
