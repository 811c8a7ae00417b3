"""Clients at work: threads, runs, streams, polls, tool outputs and cancels, all at once.

Each client knows that its servers die: it asks again what got no answer, as a program with the
SDK does. The load notes what clients were answered, to be compared with what is stored.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.durability.client import Client, Lost, decoded
from tests.durability.scripts import FUNCTIONS, KINDS, outputs

TERMINAL = ("completed", "cancelled", "failed", "incomplete", "expired")
_POLL_SECONDS = 0.1
_RETRY_SECONDS = 0.25


class Load:
    """So many clients, until they are told to stop; then they finish what they have begun."""

    def __init__(self, urls: Sequence[str], *, seed: int, clients: int) -> None:
        self.client = Client(urls, seed=seed)
        self.ended: Counter[str] = Counter()
        self.lost_answers = 0
        # of streams that were heard to their end: the run, and the stored events it told
        self.heard: dict[str, list[str]] = {}
        # runs of which a client was told, each of them must be there in the end
        self.known: set[str] = set()
        self.complaints: list[str] = []
        self._random = random.Random(seed + 1)
        self._numbers = itertools.count()
        self._clients = clients
        self._stopping = False
        self._assistant = ""

    async def run(self) -> None:
        """Works until `stop`, and until every run that was begun has ended."""
        self._assistant = (await self._sure("POST", "/assistants", _ASSISTANT))["id"]
        async with asyncio.TaskGroup() as group:
            for _ in range(self._clients):
                group.create_task(self._work())

    def stop(self) -> None:
        """Begins nothing new."""
        self._stopping = True

    async def finish(self, run: dict[str, Any]) -> dict[str, Any]:
        """Does a client's part for a run until it has ended: answers, or cancels."""
        path = f"/threads/{run['thread_id']}/runs/{run['id']}"
        while run["status"] not in TERMINAL:
            if run["status"] == "requires_action":
                await self._submit(path, run)
            elif run["metadata"]["kind"] == "cancel" and run["status"] == "in_progress":
                await self._cancel(path)
            run = await self._sure("GET", path)
            if run["status"] in ("queued", "in_progress", "cancelling"):
                await asyncio.sleep(_POLL_SECONDS)
        self.ended[run["status"]] += 1
        return run

    async def _work(self) -> None:
        while not self._stopping:
            thread = await self._sure("POST", "/threads", {})
            for _ in range(self._random.randint(1, 3)):
                kind = self._random.choice(list(KINDS))
                await self._one(thread["id"], kind, next(self._numbers))

    async def _one(self, thread_id: str, kind: str, number: int) -> None:
        """One run from its creation to its end."""
        metadata = {"kind": kind, "number": str(number)}
        body = {
            "assistant_id": self._assistant,
            "metadata": metadata,
            "additional_messages": [{"role": "user", "content": _prompt(metadata)}],
        }
        streams = kind != "cancel" and self._random.random() < 0.4
        run = await (self._stream if streams else self._create)(thread_id, body)
        self.known.add(run["id"])
        if kind == "cancel":
            await asyncio.sleep(self._random.random() * 0.3)
        await self.finish(run)

    async def _create(self, thread_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """A new run; or one that was made by a request whose answer was lost."""
        path = f"/threads/{thread_id}/runs"
        while True:
            try:
                answer = await self.client.ask("POST", path, body)
            except Lost:
                self.lost_answers += 1
                await asyncio.sleep(_RETRY_SECONDS)
                found = await self._made_unheard(thread_id, body)
                if found is not None:
                    return found
                continue
            if answer.status == 200:
                return dict(answer.body)
            await self._clear(thread_id, answer.body)

    async def _stream(self, thread_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """A new run, heard until it rests; what breaks is picked up again."""
        path, last = f"/threads/{thread_id}/runs", ""
        names: list[str] = []
        heard: dict[str, Any] | None = None
        method = "POST"
        send: dict[str, Any] | None = {**body, "stream": True}
        texts: dict[str, str] = {}
        while True:
            try:
                async for told in self.client.listen(method, path, send, after=last):
                    if told.name == "done":
                        assert heard is not None
                        self.heard[heard["id"]] = names
                        return heard
                    last = told.id
                    if told.name.endswith(".delta"):
                        self._hear(told.name, decoded(told), texts)
                        continue
                    names.append(told.name)
                    if told.name.startswith("thread.run.") and ".step." not in told.name:
                        heard = decoded(told)
                    if told.name.startswith("thread.message."):
                        self._compare(told.name, decoded(told), texts)
            except Lost:
                self.lost_answers += 1
                await asyncio.sleep(_RETRY_SECONDS)
            if heard is None:
                return await self._create(thread_id, body)
            method, path, send = "GET", f"/threads/{thread_id}/runs/{heard['id']}/stream", None

    def _hear(self, name: str, delta: dict[str, Any], texts: dict[str, str]) -> None:
        if name == "thread.message.delta":
            pieces = [part["text"]["value"] for part in delta["delta"]["content"]]
            texts[delta["id"]] = texts.get(delta["id"], "") + "".join(pieces)

    def _compare(self, name: str, message: dict[str, Any], texts: dict[str, str]) -> None:
        """What was heard of a message is how its text begins, even if its worker died."""
        if name not in ("thread.message.completed", "thread.message.incomplete"):
            return
        whole = "".join(part["text"]["value"] for part in message["content"])
        heard = texts.get(message["id"], "")
        if not whole.startswith(heard):
            self.complaints.append(f"{message['id']} says {whole!r}, and was heard as {heard!r}")

    async def _made_unheard(self, thread_id: str, body: dict[str, Any]) -> dict[str, Any] | None:
        for run in (await self._sure("GET", f"/threads/{thread_id}/runs"))["data"]:
            if run["metadata"] == body["metadata"]:
                return dict(run)
        return None

    async def _clear(self, thread_id: str, refusal: dict[str, Any]) -> None:
        """Ends what a request made that was done long after it was given up."""
        if "already has an active run" not in refusal["error"]["message"]:
            self.complaints.append(f"creating a run was refused: {refusal}")
        for run in (await self._sure("GET", f"/threads/{thread_id}/runs"))["data"]:
            if run["status"] not in TERMINAL:
                await self.finish(run)

    async def _submit(self, path: str, run: dict[str, Any]) -> None:
        """Answers the calls; refused only if another request of ours did before."""
        try:
            answer = await self.client.ask("POST", f"{path}/submit_tool_outputs", outputs(run))
        except Lost:
            self.lost_answers += 1
            await asyncio.sleep(_RETRY_SECONDS)
            return
        if answer.status != 200 and not any(
            reason in answer.body["error"]["message"]
            for reason in ("do not accept tool outputs", "Expected tool outputs")
        ):
            self.complaints.append(f"outputs were refused: {answer.body}")

    async def _cancel(self, path: str) -> None:
        try:
            answer = await self.client.ask("POST", f"{path}/cancel")
        except Lost:
            self.lost_answers += 1
            await asyncio.sleep(_RETRY_SECONDS)
            return
        if answer.status != 200 and "Cannot cancel run" not in answer.body["error"]["message"]:
            self.complaints.append(f"a cancel was refused: {answer.body}")

    async def _sure(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Asks until an answer comes. What it makes may be made twice."""
        while True:
            try:
                answer = await self.client.ask(method, path, body)
            except Lost:
                self.lost_answers += 1
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if answer.status != 200:
                # What a client was told of is never gone.
                self.complaints.append(f"{method} {path} was answered {answer}")
            found: dict[str, Any] = answer.body
            return found


_ASSISTANT = {
    "model": "scripted",
    "tools": [{"type": "function", "function": {"name": name}} for name in FUNCTIONS],
}


def _prompt(metadata: dict[str, str]) -> str:
    return KINDS[metadata["kind"]](int(metadata["number"])).prompt
