"""The five measures. In each, the servers take turns, so that noise falls on all of them alike."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from statistics import median
from typing import NamedTuple

from bench.client import Ask, Client, load
from bench.processes import Server

_FIRST_TOKEN_ROUNDS = 60
_CPU_ROUNDS = 4
_CPU_STREAMS = 50
_CPU_TOKENS = (60, 240)
_TOKENS_PER_SECOND = 30
_RUN_ROUNDS = 3
_RUNS = 500
_STREAMING_CLIENTS = 50
# One client can have no more than four runs a second: it waits 250 ms, as the server says.
_POLLING_CLIENTS = 200
_OPEN_STREAMS = 1000
_OPENING_AT_ONCE = 50
_CANCEL_ROUNDS = 30
# until the model server has the question whether somebody is gone
_ASKING_SECONDS = 0.05

_MESSAGES = [{"role": "user", "content": "What is the answer?"}]
_THREAD: dict[str, object] = {"messages": _MESSAGES}


class Measured(NamedTuple):
    """The figures of one subject, one for each round."""

    figures: list[float]

    @property
    def median(self) -> float:
        return median(self.figures)

    def over(self, other: "Measured") -> "Measured":
        """This subject's figures as multiples of another's of the same round."""
        return Measured([a / b for a, b in zip(self.figures, other.figures, strict=True)])

    @property
    def range(self) -> tuple[float, float]:
        return min(self.figures), max(self.figures)


class Assistants:
    """The requests that make Perdure run an assistant."""

    def __init__(self, server: Server, assistant_id: str) -> None:
        self.threads = f"{server.url}/v1/threads"
        self._assistant_id = assistant_id

    @classmethod
    async def create(cls, client: Client, server: Server) -> "Assistants":
        body: dict[str, object] = {"model": "bench", "instructions": "Answer."}
        assistant = await client.post(f"{server.url}/v1/assistants", body)
        return cls(server, assistant["id"])

    def at(self, server: Server) -> "Assistants":
        """The same requests, made to another server of the database."""
        return Assistants(server, self._assistant_id)

    async def thread(self, client: Client) -> str:
        """A thread with a question; its id."""
        thread = await client.post(self.threads, _THREAD)
        return str(thread["id"])

    def ask(self, tokens: int, pace: str, thread_id: str | None = None) -> Ask:
        """A streamed run on a thread, or on a new one.

        Its tokens are told twice: one by one, and in the completed message.
        """
        body = self.body(tokens, pace, new_thread=thread_id is None)
        where = f"/{thread_id}/runs" if thread_id else "/runs"
        return Ask(self.threads + where, {**body, "stream": True}, tokens, times=2)

    def body(self, tokens: int, pace: str, *, new_thread: bool = True) -> dict[str, object]:
        body = {"assistant_id": self._assistant_id, "model": f"{tokens}-at-{pace}"}
        return {**body, "thread": _THREAD} if new_thread else {**body}


def direct(model: Server, tokens: int, pace: str) -> Ask:
    """The same stream from the model server itself."""
    body = {"model": f"{tokens}-at-{pace}", "messages": _MESSAGES, "stream": True}
    return Ask(f"{model.url}/v1/chat/completions", body, tokens)


def relayed(relay: Server, tokens: int, pace: str) -> Ask:
    """The same stream through the relay."""
    body: dict[str, object] = {"model": f"{tokens}-at-{pace}", "content": "What is the answer?"}
    return Ask(f"{relay.url}/ask", body, tokens)


async def first_token(
    client: Client, *, model: Server, perdure: Server, relay: Server
) -> dict[str, Measured]:
    """Milliseconds to the first token, one request at a time."""
    assistants = await Assistants.create(client, perdure)

    async def on_thread() -> float:
        thread_id = await assistants.thread(client)
        return await client.stream(assistants.ask(5, "once", thread_id))

    subjects: dict[str, Callable[[], Awaitable[float]]] = {
        "direct": lambda: client.stream(direct(model, 5, "once")),
        "thread and run": lambda: client.stream(assistants.ask(5, "once")),
        "run": on_thread,
        "relay": lambda: client.stream(relayed(relay, 5, "once")),
    }
    return await in_turns(subjects, rounds=_FIRST_TOKEN_ROUNDS, scale=1e3)


async def cpu_per_token(client: Client, *, perdure: Server, relay: Server) -> dict[str, Measured]:
    """Microseconds of the server's CPU for one token more of a stream.

    The difference of long and short streams: what a request or a run costs is in both.
    """
    assistants = await Assistants.create(client, perdure)
    asks: dict[str, tuple[Server, Callable[[int, str], Ask]]] = {
        "perdure": (perdure, assistants.ask),
        "relay": (relay, partial(relayed, relay)),
    }

    async def used(server: Server, ask: Ask) -> float:
        before = server.cpu_seconds
        await load(lambda: client.stream(ask), times=_CPU_STREAMS, clients=_CPU_STREAMS)
        return server.cpu_seconds - before

    async def per_token(server: Server, ask: Callable[[int, str], Ask]) -> float:
        short, long = _CPU_TOKENS
        pace = str(_TOKENS_PER_SECOND)
        base = await used(server, ask(short, pace))
        return (await used(server, ask(long, pace)) - base) / (_CPU_STREAMS * (long - short))

    subjects = {name: partial(per_token, *about) for name, about in asks.items()}
    return await in_turns(subjects, rounds=_CPU_ROUNDS, scale=1e6)


async def runs_per_second(
    client: Client, perdures: Mapping[str, Server]
) -> tuple[dict[str, Measured], dict[str, Measured]]:
    """Plain runs a second, streamed and polled, on each database; and milliseconds of CPU a run."""
    cpu: dict[str, list[float]] = {}

    async def rate(
        name: str, server: Server, job: Callable[[], Awaitable[object]], clients: int
    ) -> float:
        before = server.cpu_seconds
        seconds = await load(job, times=_RUNS, clients=clients)
        cpu.setdefault(name, []).append((server.cpu_seconds - before) / _RUNS * 1e3)
        return _RUNS / seconds

    subjects: dict[str, Callable[[], Awaitable[float]]] = {}
    for database, server in perdures.items():
        assistants = await Assistants.create(client, server)
        ask = assistants.ask(5, "once")
        stream = partial(client.stream, ask)
        poll = partial(client.poll, ask.url, assistants.body(5, "once"))
        for how, job, clients in (
            ("streamed", stream, _STREAMING_CLIENTS),
            ("polled", poll, _POLLING_CLIENTS),
        ):
            name = f"{database}, {how} by {clients} clients"
            subjects[name] = partial(rate, name, server, job, clients)
    rates = await in_turns(subjects, rounds=_RUN_ROUNDS)
    return rates, {name: Measured(figures) for name, figures in cpu.items()}


async def memory_per_stream(
    client: Client, server: Server, ask: Callable[[int, str], Ask]
) -> float:
    """Kilobytes of resident memory that each of many open streams takes."""
    short, endless = ask(5, "once"), ask(100, "0.1")
    await load(lambda: client.stream(short), times=_OPENING_AT_ONCE, clients=_OPENING_AT_ONCE)
    before = server.memory_bytes
    opened = []

    async def keep() -> None:
        opened.append(await client.open(endless))

    await load(keep, times=_OPEN_STREAMS, clients=_OPENING_AT_ONCE)
    used = server.memory_bytes - before
    for response in opened:
        response.close()
    return used / _OPEN_STREAMS / 1000


async def cancel(client: Client, *, model: Server, perdure: Server) -> Measured:
    """Milliseconds from a cancel until the model server's request has ended, one run at a time."""
    assistants = await Assistants.create(client, perdure)

    async def one() -> float:
        thread_id = await assistants.thread(client)
        stream = await client.open(assistants.ask(1000, str(_TOKENS_PER_SECOND), thread_id))
        runs = f"{assistants.threads}/{thread_id}/runs"
        (run,) = (await client.get(runs))["data"]
        gone = asyncio.ensure_future(client.get(f"{model.url}/gone"))
        await asyncio.sleep(_ASKING_SECONDS)
        began = time.perf_counter()
        await client.post(f"{runs}/{run['id']}/cancel", {})
        await gone
        seconds = time.perf_counter() - began
        stream.close()
        return seconds

    return (await in_turns({"cancel": one}, rounds=_CANCEL_ROUNDS, scale=1e3))["cancel"]


async def in_turns(
    subjects: Mapping[str, Callable[[], Awaitable[float]]], *, rounds: int, scale: float = 1
) -> dict[str, Measured]:
    """Measures each subject once a round: A B A B."""
    figures: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, measure in subjects.items():
            figures[name].append(await measure() * scale)
    return {name: Measured(values) for name, values in figures.items()}
