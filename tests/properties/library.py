"""A database with files and vector stores, clients and workers that do what they like with them."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from perdure import invariants
from perdure.commands import ingestions, vector_stores
from perdure.commands.ingestions import IngestionJob
from perdure.errors import BadRequest, LeaseLost, NotFound
from perdure.invariants import Violation
from perdure.retrieval import upkeep
from perdure.storage.database import Database
from perdure.wire.file_batches import FileBatch
from tests.commands.acts import PROJECT
from tests.commands.filled_stores import FilledStore
from tests.properties.world import Deed

T = TypeVar("T")

_TEXTS = ("A colony of bees", "wakes up in spring", "...", "bees " * 80)
_LEASE_SECONDS = 30


@dataclass
class Library:
    """All of it; what was deleted is still named, and jobs may have been lost."""

    nodes: list[Database]
    files: list[str] = field(default_factory=list)
    stores: list[str] = field(default_factory=list)
    batches: list[FileBatch] = field(default_factory=list)
    jobs: list[IngestionJob] = field(default_factory=list)
    now: int = 0

    def __post_init__(self) -> None:
        self.now = FilledStore(self.nodes[0]).now

    async def begin(self) -> None:
        self.files = await self._shelf(Deed("")).files(4)
        self.stores = [await self._shelf(Deed("")).store(self.files[:2])]

    async def do(self, deeds: list[Deed]) -> None:
        """Does all of it at once; what is refused is refused."""
        await asyncio.gather(*(self._try(deed) for deed in deeds))

    async def violations(self) -> list[Violation]:
        return await self.nodes[0].read(lambda tx: list(invariants.check(tx)))

    async def _try(self, deed: Deed) -> None:
        with suppress(BadRequest, NotFound, LeaseLost):
            await getattr(self, f"_{deed.name}")(self._shelf(deed), deed)

    def _shelf(self, deed: Deed) -> FilledStore:
        filled = FilledStore(self.nodes[deed.how % len(self.nodes)])
        filled.now = self.now
        return filled

    async def _upload(self, filled: FilledStore, deed: Deed) -> None:
        self.files.append(await filled.file(f"{deed.how}.txt"))

    async def _make(self, filled: FilledStore, deed: Deed) -> None:
        days = 1 if deed.how % 3 == 0 else None
        store_id = await filled.store([_one(self.files, deed.which)], days=days)
        self.stores.append(store_id)

    async def _add(self, filled: FilledStore, deed: Deed) -> None:
        await filled.add(_one(self.stores, deed.which), _one(self.files, deed.how))

    async def _batch(self, filled: FilledStore, deed: Deed) -> None:
        some = [_one(self.files, deed.how), _one(self.files, deed.how + 1)]
        self.batches.append(await filled.batch(_one(self.stores, deed.which), some))

    async def _claim(self, filled: FilledStore, deed: Deed) -> None:
        job = await filled.claim(f"worker_{deed.how}")
        if job is not None:
            self.jobs.append(job)

    async def _write(self, filled: FilledStore, deed: Deed) -> None:
        if self.jobs:
            texts = _TEXTS[: 1 + deed.how % len(_TEXTS)]
            await filled.write(_one(self.jobs, deed.which), *texts)

    async def _finish(self, filled: FilledStore, deed: Deed) -> None:
        if self.jobs:
            # What an attempt wrote before is counted by its worker; here it is enough for all.
            job = _one(self.jobs, deed.which)
            await filled.database.write(ingestions.complete, job, usage_bytes=10**6)

    async def _fail(self, filled: FilledStore, deed: Deed) -> None:
        if self.jobs:
            await filled.fail(_one(self.jobs, deed.which))

    async def _release(self, filled: FilledStore, deed: Deed) -> None:
        if self.jobs:
            await filled.database.write(ingestions.release, _one(self.jobs, deed.which))

    async def _renew(self, filled: FilledStore, deed: Deed) -> None:
        await filled.database.write(
            ingestions.renew, self.jobs[-5:], now=float(self.now), lease_seconds=_LEASE_SECONDS
        )

    async def _cancel(self, filled: FilledStore, deed: Deed) -> None:
        if self.batches:
            await filled.cancel(_one(self.batches, deed.which))

    async def _remove(self, filled: FilledStore, deed: Deed) -> None:
        await filled.remove(_one(self.stores, deed.which), _one(self.files, deed.how))

    async def _delete_file(self, filled: FilledStore, deed: Deed) -> None:
        await filled.delete_file(_one(self.files, deed.which))

    async def _delete_store(self, filled: FilledStore, deed: Deed) -> None:
        await filled.delete_store(_one(self.stores, deed.which))

    async def _touch(self, filled: FilledStore, deed: Deed) -> None:
        store_id = _one(self.stores, deed.which)
        await filled.database.write(vector_stores.touch, store_id, project=PROJECT, now=self.now)

    async def _expire(self, filled: FilledStore, deed: Deed) -> None:
        await filled.database.write(vector_stores.drop_expired, now=self.now, limit=10)

    async def _tidy(self, filled: FilledStore, deed: Deed) -> None:
        await upkeep.step(filled.database, now=0.0)


def _one(some: list[T], which: int) -> T:
    """The newest are named most."""
    return some[-1 - which % len(some)]
