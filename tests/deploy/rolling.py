"""`make rolling`: two servers behind nginx or Caddy are restarted in turn, under load.

    python -m tests.deploy.rolling [--proxy nginx|caddy] [--rounds N] [--clients N]
                                   [--words N] [--retries N]

The PostgreSQL is that of the tests. Clients are those of the official SDK, over TLS: each makes a
thread with a run, streams its answer, and reads it again; a word takes 20 ms. `--retries` are those
of the SDK, 2 as it is shipped, or 0 to see what the proxy alone lets through. One server after the
other is told to stop, and started again when it has ended; the next one's turn is when it is ready.
At the end it is said how many answers there were and what was lost; the exit code is 1 if anything
was.
"""

import argparse
import asyncio
import signal
import ssl
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
from openai import AsyncOpenAI, OpenAIError

from perdure.clock import SystemClock
from perdure.tls import self_signed
from tests.databases import PostgresServer
from tests.deploy.proxies import PROXIES
from tests.durability.nodes import Node, killed
from tests.patience import PATIENCE_SECONDS, pause

_SETTINGS = {"PERDURE_LEASE_SECONDS": "10", "PERDURE_DRAIN_SECONDS": "20"}


class Load:
    """Clients at work until they are told to stop. `lost`: what they were told instead of an
    answer. `cut`: answers whose text came as a whole at the end, and not in deltas.
    """

    def __init__(self, client: AsyncOpenAI, *, words: int) -> None:
        self._prompt = f"say {words} words\nwait 20 ms"
        self._answer = " ".join(f"word{number}" for number in range(1, words + 1))
        self.answers = self.cut = 0
        self.lost: Counter[str] = Counter()
        self.stopping = False
        self._client = client

    async def work(self) -> None:
        """Streams one run after the other."""
        assistant = await self._client.beta.assistants.create(model="scripted")
        while not self.stopping:
            try:
                wrong = await self._stream(assistant.id)
            except (OpenAIError, httpx2.HTTPError) as error:
                wrong = f"{type(error).__name__}: {error}"
            if wrong:
                self.lost[wrong[:900]] += 1
            else:
                self.answers += 1

    async def _stream(self, assistant: str) -> str:
        """What is wrong with the answer to a run; nothing if all is well."""
        threads = self._client.beta.threads
        thread = await threads.create(messages=[{"role": "user", "content": self._prompt}])
        deltas, whole = "", ""
        stream = await threads.runs.create(thread.id, assistant_id=assistant, stream=True)
        async for event in stream:
            if event.event == "thread.message.delta":
                deltas += "".join(map(_text_of, event.data.delta.content or ()))
            elif event.event == "thread.message.completed":
                whole = "".join(map(_text_of, event.data.content))
        if event.event != "thread.run.completed":
            return f"a stream ended with {event.event}"
        if whole.strip() != self._answer:
            return "a stream lacks a part of the text"
        self.cut += deltas.strip() != self._answer
        (message, *_) = (await threads.messages.list(thread.id)).data
        stored = "".join(map(_text_of, message.content)).strip()
        return "" if stored == self._answer else "a message lacks a part of the text"


def _text_of(part: Any) -> str:
    """The text of a part of a message, or of a delta."""
    return str(part.text.value)


async def _restart(nodes: list[Node], load: Load, rounds: int) -> None:
    for number in range(rounds):
        for node in nodes:
            before = load.answers
            code = await node.end(signal.SIGTERM)
            assert code == 0, code
            await node.start()
            _say(f"round {number + 1}: a server is back, {load.answers - before} answers meanwhile")
            async with asyncio.timeout(PATIENCE_SECONDS), httpx2.AsyncClient() as client:
                ready = node.url.removesuffix("/v1") + "/ready"
                while (await client.get(ready)).status_code != 200:
                    await pause()


async def _run(folder: Path, url: str, chosen: argparse.Namespace) -> Load:
    made = self_signed.make(folder / "tls", names=(), days=2, now=int(SystemClock().now()))
    settings = {**_SETTINGS, "PERDURE_TRUSTED_PROXIES": "127.0.0.1"}
    flags = ("--database-url", url)
    nodes = [Node(folder / name, *flags, environment=settings) for name in ("a", "b")]
    with killed(nodes):
        for node in nodes:
            await node.start()
        servers = [f"127.0.0.1:{node.port}" for node in nodes]
        with PROXIES[chosen.proxy](folder / "proxy", servers, made) as proxy:
            trusting = ssl.create_default_context(cafile=made.cert)
            client = AsyncOpenAI(
                base_url=f"{proxy}/v1", api_key="any", max_retries=chosen.retries,
                http_client=httpx2.AsyncClient(verify=trusting, timeout=PATIENCE_SECONDS),
            )  # fmt: skip
            load = Load(client, words=chosen.words)
            async with asyncio.TaskGroup() as group:
                for _ in range(chosen.clients):
                    group.create_task(load.work())
                await _restart(nodes, load, chosen.rounds)
                load.stopping = True
        for node in nodes:
            assert await node.end(signal.SIGTERM) == 0
        assert [bug for node in nodes for bug in node.bugs()] == []
    return load


def _say(text: str) -> None:
    print(f"rolling: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Runs it; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proxy", choices=PROXIES, default="nginx")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--words", type=int, default=75)
    parser.add_argument("--retries", type=int, default=2)
    chosen = parser.parse_args()
    server = PostgresServer()
    try:
        server.start()
        server.execute("CREATE DATABASE perdure")
        with tempfile.TemporaryDirectory(prefix="perdure-rolling-") as folder:
            load = asyncio.run(_run(Path(folder), server.url("perdure"), chosen))
    finally:
        server.stop()
    _say(f"{load.answers} answers, {load.cut} of them with cut deltas, {load.lost.total()} lost")
    for wrong, times in load.lost.most_common():
        _say(f"{times} times: {wrong}")
    return 1 if load.lost else 0


if __name__ == "__main__":
    raise SystemExit(main())
