"""Runs on models of the model server, from outside: streamed, and polled."""

from typing import Any, NamedTuple

import httpx2

from tests.api.sse import Told, events
from tests.patience import pause

TOOL = {"type": "function", "function": {"name": "get_weather"}}


class Ended(NamedTuple):
    """A run at its rest; status and text of its last message; what was told of its text in pieces,
    where it was streamed.
    """

    run: dict[str, Any]
    message: tuple[str, str] | None
    told: str


class ModelRuns:
    """Begins runs and goes on with them until they rest."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def streamed(self, model: str, said: str = "Hello") -> Ended:
        return (await self.streamed_in_full(model, said))[0]

    async def streamed_in_full(self, model: str, said: str) -> tuple[Ended, list[Told]]:
        """With all events that were told."""
        return await self._stream("/threads/runs", await self._body(model, said))

    async def polled(self, model: str, said: str = "Hello") -> Ended:
        return await self._poll("/threads/runs", await self._body(model, said))

    async def streamed_on(self, ended: Ended, output: str) -> Ended:
        """Submits the output for all calls, and streams what follows."""
        return (await self._stream(*_submission(ended.run, output)))[0]

    async def polled_on(self, ended: Ended, output: str) -> Ended:
        """The same, polled."""
        return await self._poll(*_submission(ended.run, output))

    async def steps(self, ended: Ended) -> str:
        """The run's steps as they are shown."""
        return (await self._http.get(f"{_path(ended.run)}/steps")).text

    async def _body(self, model: str, said: str) -> dict[str, object]:
        body = {"model": model, "tools": [TOOL]}
        assistant = (await self._http.post("/assistants", json=body)).json()
        thread = {"messages": [{"role": "user", "content": said}]}
        return {"assistant_id": assistant["id"], "thread": thread}

    async def _stream(self, path: str, body: dict[str, object]) -> tuple[Ended, list[Told]]:
        response = await self._http.post(path, json={**body, "stream": True})
        told = events(response.text)
        pieces = [each.data["delta"]["content"] for each in told if each.name.endswith(".delta")
                  and each.data["object"] == "thread.message.delta"]  # fmt: skip
        said = "".join(part["text"]["value"] for content in pieces for part in content)
        return await self._ended(told[-2].data, said), told

    async def _poll(self, path: str, body: dict[str, object]) -> Ended:
        run = (await self._http.post(path, json=body)).json()
        while run["status"] in ("queued", "in_progress"):
            await pause()
            run = (await self._http.get(_path(run))).json()
        return await self._ended(run, "")

    async def _ended(self, run: dict[str, Any], told: str) -> Ended:
        listed = (await self._http.get(f"/threads/{run['thread_id']}/messages")).json()["data"]
        messages = [
            (each["status"], "".join(part["text"]["value"] for part in each["content"]))
            for each in listed
            if each["role"] == "assistant"
        ]
        return Ended(run, messages[0] if messages else None, told)


def _path(run: dict[str, Any]) -> str:
    return f"/threads/{run['thread_id']}/runs/{run['id']}"


def _submission(run: dict[str, Any], output: str) -> tuple[str, dict[str, object]]:
    calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    outputs = [{"tool_call_id": call["id"], "output": output} for call in calls]
    return f"{_path(run)}/submit_tool_outputs", {"tool_outputs": outputs}
