"""Clients that put files into vector stores, and take them out again, while servers die.

Like `load.py` they ask again what got no answer. What they were answered is compared with what is
stored when all has ended, and so is what was read of each file with what it holds.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from typing import Any

from perdure import invariants, storage
from perdure.invariants import Violation, contents
from perdure.invariants.pages import pages
from perdure.retrieval import index_writer
from perdure.storage.database import Row, Transaction
from perdure.wire.base import decode
from perdure.wire.vector_store_files import VectorStoreFile
from tests.durability.client import Client, Lost
from tests.durability.nodes import Node, killed
from tests.durability.papers import KINDS, Paper, paper
from tests.patience import PATIENCE_SECONDS, until

_RETRY_SECONDS = 0.25
_POLL_SECONDS = 0.2
_MOST_CHUNKS = 100_000


class Ingestion:
    """So many clients, until they are told to stop; `known` has the files of each store."""

    def __init__(self, urls: Sequence[str], *, seed: int, clients: int) -> None:
        self.client = Client(urls, seed=seed)
        self.known: dict[str, set[str]] = {}
        # stores, those too that were deleted since
        self.begun = 0
        self.acts: Counter[str] = Counter()
        self.complaints: list[str] = []
        self._random = random.Random(seed + 1)
        self._numbers = itertools.count()
        self._clients = clients
        self._stopping = False

    async def run(self) -> None:
        """Works until `stop`."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._clients):
                group.create_task(self._work())

    def stop(self) -> None:
        """Begins nothing new."""
        self._stopping = True

    async def _work(self) -> None:
        while not self._stopping:
            store_id, file_ids, batch_id = await self._begin()
            await asyncio.sleep(self._random.uniform(0, 0.5))
            act = self._random.choice(
                ("wait", "wait", "cancel", "remove", "delete file", "delete store")
            )
            self.acts[act] += 1
            await self._act(act, store_id, file_ids, batch_id)
            await self._wait(store_id)

    async def _begin(self) -> tuple[str, list[str], str]:
        """A new store with files in two ways: when it is made, and by a batch."""
        file_ids = [await self._upload() for _ in range(self._random.randint(2, 6))]
        cut = self._random.randrange(len(file_ids))
        first, rest = file_ids[:cut], file_ids[cut:]
        made = await self._ask("POST", "/vector_stores", {"file_ids": first} if first else {})
        store_id: str = made["id"]
        batch = await self._ask(
            "POST", f"/vector_stores/{store_id}/file_batches", {"file_ids": rest}
        )
        self.known[store_id] = set(file_ids)
        self.begun += 1
        return store_id, file_ids, batch["id"]

    async def _upload(self) -> str:
        name = f"{next(self._numbers)}.{self._random.choice(KINDS)}"
        while True:
            try:
                answer = await self.client.upload(name, paper(name).content)
            except Lost:
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            found: str = answer.body["id"]
            return found

    async def _act(self, act: str, store_id: str, file_ids: list[str], batch_id: str) -> None:
        victim = self._random.choice(file_ids)
        if act == "cancel":
            await self._ask("POST", f"/vector_stores/{store_id}/file_batches/{batch_id}/cancel")
        elif act == "remove":
            self.known[store_id].discard(victim)
            await self._ask("DELETE", f"/vector_stores/{store_id}/files/{victim}")
        elif act == "delete file":
            self.known[store_id].discard(victim)
            await self._ask("DELETE", f"/files/{victim}")
        elif act == "delete store":
            del self.known[store_id]
            await self._ask("DELETE", f"/vector_stores/{store_id}")

    async def _wait(self, store_id: str) -> None:
        """Mostly until the store is done; sometimes it is left to itself."""
        while store_id in self.known and not self._stopping and self._random.random() > 0.1:
            if (await self._ask("GET", f"/vector_stores/{store_id}"))["status"] != "in_progress":
                return
            await asyncio.sleep(_POLL_SECONDS)

    async def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Asks until an answer comes; a deletion may have been done by a request before."""
        while True:
            try:
                answer = await self.client.ask(method, path, body)
            except Lost:
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if answer.status != 200 and (method, answer.status) != ("DELETE", 404):
                self.complaints.append(f"{method} {path} was answered {answer}")
            found: dict[str, Any] = answer.body
            return found


class Findings:
    """What comes of a campaign: how the files ended, and what is wrong."""

    def __init__(self, load: Ingestion) -> None:
        self.ended: Counter[str] = Counter()
        self.wrong: list[Violation] = []
        self._load = load

    async def progress(self, stores: int) -> None:
        """Waits until so many more stores have got files to be read."""
        wanted = self._load.begun + stores
        await until(lambda: self._load.begun >= wanted)

    def __str__(self) -> str:
        return "\n".join(f"{found.id} {found.text}" for found in self.wrong)


@asynccontextmanager
async def campaign(
    nodes: Sequence[Node], *, seed: int, clients: int, url: str | None = None
) -> AsyncIterator[Findings]:
    """Within the block the load goes on; the caller kills. At its end nothing new is begun, every
    file must come to its end, and what is stored is judged.
    """
    load = Ingestion([node.url for node in nodes], seed=seed, clients=clients)
    findings = Findings(load)
    data_dir = nodes[0].folder / "data"

    def look() -> AbstractContextManager[Transaction]:
        return storage.snapshot(url, data_dir)

    with killed(nodes):
        await asyncio.gather(*(node.start() for node in nodes))
        working = asyncio.create_task(load.run(), name="load")
        try:
            yield findings
            load.stop()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await working
            await _rest(look)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await load.client.close()
        with look() as tx:
            findings.wrong += invariants.check(tx)
            findings.wrong += _judged(tx, load.known, findings.ended)
        blobs = storage.connect_blobs(None, data_dir, url=url)
        await blobs.open()
        findings.wrong += [each async for each in contents.check(blobs, look)]
        findings.wrong += [
            Violation("a client", text) for text in (*load.complaints, *load.client.broken)
        ]
        for node in nodes:
            findings.wrong += [
                Violation(str(node.folder), f"logged {line}") for line in node.bugs()
            ]


async def _rest(look: Callable[[], AbstractContextManager[Transaction]]) -> None:
    """Waits until no file is in progress; those that stay so are found by the verdict."""

    def rests() -> bool:
        with look() as tx:
            return not any(row["status"] == "in_progress" for row in _files(tx))

    with suppress(TimeoutError):
        await until(rests)


def _files(tx: Transaction) -> Iterator[Row]:
    for rows in pages(tx, "invariants_of_vector_stores.files"):
        yield from rows


def _judged(
    tx: Transaction, known: dict[str, set[str]], ended: Counter[str]
) -> Iterator[Violation]:
    """Every file of a store that a client knows is there, and has ended as it should."""
    left = {(store_id, file_id) for store_id, file_ids in known.items() for file_id in file_ids}
    for row in _files(tx):
        left.discard((row["vector_store_id"], row["file_id"]))
        file = decode(row["body"], VectorStoreFile)
        expected = paper(row["filename"])
        ended["given up" if _is_given_up(file) else str(file.status)] += 1
        for text in _end(tx, row, file, expected):
            yield Violation(f"{row['vector_store_id']}/{file.id} ({expected.name})", text)
    for store_id, file_id in left:
        yield Violation(f"{store_id}/{file_id}", "was told to a client, and is gone")


def _end(tx: Transaction, row: Row, file: VectorStoreFile, expected: Paper) -> Iterator[str]:
    if file.status == "cancelled" or _is_given_up(file):
        return
    if expected.words is None:
        if file.last_error is None or file.last_error.code != expected.error:
            yield f"is {file.status} with {file.last_error}, and should fail: {expected.error}"
        return
    if file.status != "completed":
        yield f"is {file.status} with {file.last_error}"
        return
    texts = index_writer.read_texts(tx, row["ingestion"], limit=_MOST_CHUNKS)
    said = " ".join(text for _, text in texts).split()
    if said != expected.words and (len(expected.words) > 1 or expected.words[0] not in said):
        yield f"was read as {len(said)} words from {said[:5]}, and has {len(expected.words)}"


def _is_given_up(file: VectorStoreFile) -> bool:
    """Whether it had the bad luck to be read at three kills."""
    return file.last_error is not None and "14 times" in file.last_error.message
