"""Two projects under load, one of them at its limits: what the other has of it."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from statistics import median
from typing import Any

import aiohttp

from bench import processes
from bench.client import load
from bench.measures import Measured
from bench.processes import Server
from bench.report import Row

_ADMIN = "sk-admin-of-the-bench"
_BETA = {"openai-beta": "assistants=v2"}
_ROUNDS = 8
_RUNS = 300
_CLIENTS = 10
# Of the project at its limits: requests a second of each kind, as fast as no SDK repeats them.
_REFUSED_A_SECOND = 40
_REQUESTS_A_MINUTE = 60
_MOST = 1.25


class _Project:
    """The requests of one project, with its own key."""

    def __init__(self, server: Server, project_id: str, key: str) -> None:
        self.id = project_id
        self._url = f"{server.url}/v1"
        headers = {**_BETA, "authorization": f"Bearer {key}"}
        self._session = aiohttp.ClientSession(headers=headers)
        self._assistant = ""

    async def post(self, path: str, body: Mapping[str, object]) -> tuple[int, bytes]:
        async with self._session.post(self._url + path, json=body) as response:
            return response.status, await response.read()

    async def begin(self) -> None:
        """Makes the assistant that its runs are of."""
        async with self._session.post(f"{self._url}/assistants", json={"model": "m"}) as made:
            self._assistant = (await made.json())["id"]

    async def run(self) -> tuple[float, bytes]:
        """The seconds of a streamed run, and all of its events."""
        began = time.perf_counter()
        thread = {"messages": [{"role": "user", "content": "What is the answer?"}]}
        body = {"assistant_id": self._assistant, "model": "5-at-once", "stream": True}
        _, told = await self.post("/threads/runs", {**body, "thread": thread})
        return time.perf_counter() - began, told

    async def chat(self) -> int:
        """The status of a request that is passed through."""
        messages = [{"role": "user", "content": "What is the answer?"}]
        status, _ = await self.post(
            "/chat/completions", {"model": "5-at-once", "messages": messages}
        )
        return status

    async def close(self) -> None:
        await self._session.close()


async def rows(model: Server, urls: Mapping[str, str | None]) -> list[Row]:
    """The lines of the table, for each database; a URL that is None is SQLite's."""
    found = []
    for name, url in urls.items():
        with processes.perdure(model, database_url=url, settings={"admin_key": _ADMIN}) as server:
            found.append(await _measured(server, name))
    return found


async def _measured(server: Server, database: str) -> Row:
    quiet, loud = await _make(server, "quiet"), await _make(server, "loud")
    await _limit(server, loud.id)
    alone, beside, refused = [], [], 0
    try:
        await _p99(quiet)
        for _ in range(_ROUNDS):
            alone.append(await _p99(quiet))
            pressing = asyncio.create_task(_press(loud))
            beside.append(await _p99(quiet))
            pressing.cancel()
            with suppress(asyncio.CancelledError):
                await pressing
            refused += await _refusals(loud)
    finally:
        await quiet.close()
        await loud.close()
    ratio = Measured(beside).over(Measured(alone))
    low, high = ratio.range
    return Row(
        f"p99 of a project's runs beside one at its limits, {database}",
        f"{median(beside):.0f} ms, {median(alone):.0f} ms alone; ratio {ratio.median:.2f} "
        f"({low:.2f} to {high:.2f}); {refused} of {_ROUNDS} probes of the other were refused",
        f"≤ {_MOST:g} times",
        ratio.median <= _MOST,
    )


async def _p99(project: _Project) -> float:
    """p99 of the project's runs, in ms."""
    times: list[float] = []

    async def one() -> None:
        seconds, told = await project.run()
        if b"thread.run.completed" not in told:
            raise AssertionError(told.decode())
        times.append(seconds * 1e3)

    await load(one, times=_RUNS, clients=_CLIENTS)
    return sorted(times)[int(len(times) * 0.99)]


async def _press(project: _Project) -> None:
    """Sends requests and runs at a steady rate, whatever comes of them."""
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(project.chat())
            group.create_task(project.run())
            await asyncio.sleep(1 / _REFUSED_A_SECOND)


async def _refusals(project: _Project) -> int:
    """1 if the project is at its limits, else 0."""
    return int(await project.chat() == 429)


async def _make(server: Server, name: str) -> _Project:
    """A new project with a key and an assistant."""
    made = await _administer(server, "/projects", {"name": name})
    accounts = f"/projects/{made['id']}/service_accounts"
    account = await _administer(server, accounts, {"name": name})
    project = _Project(server, made["id"], account["api_key"]["value"])
    await project.begin()
    return project


async def _limit(server: Server, project_id: str) -> None:
    limit = {"max_requests_per_1_minute": _REQUESTS_A_MINUTE}
    await _administer(server, f"/projects/{project_id}/rate_limits/rl-*", limit)


async def _administer(server: Server, path: str, body: Mapping[str, object]) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {_ADMIN}"}
    url = f"{server.url}/v1/organization{path}"
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, json=body) as response,
    ):
        response.raise_for_status()
        made: dict[str, Any] = await response.json()
        return made
