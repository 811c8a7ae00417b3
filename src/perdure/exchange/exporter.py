"""The export of a database: all of it is read in one snapshot, beside servers at work."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, aclosing
from typing import NamedTuple

from perdure.commands import exports
from perdure.commands.export_references import ExportSelection
from perdure.commands.exports import DamagedRow, ExportedLine, Found, FoundContent, WantedContent
from perdure.errors import Unavailable
from perdure.exchange.items import ContentItem, Items, LineItem
from perdure.storage.blob_stores import BlobStores, read
from perdure.storage.database import Transaction
from perdure.wire.exchange import Manifest

_AT_ONCE = 200
_MOST_DAMAGED = 1000
_ZEROS = bytes(64 * 1024)


class ExportSource(NamedTuple):
    """A source of exports: what opens a snapshot of its database, its contents, and what the
    manifest says of its server.
    """

    snapshot: Callable[[], AbstractContextManager[Transaction]]
    blobs: BlobStores
    about: dict[str, str]


async def export(source: ExportSource, selection: ExportSelection, *, now: int) -> Items:
    """Yields the items of an export. Memory is bounded, but for the ids of what a part refers to.

    Raises `ConfigurationError` where the database cannot be read.
    """
    counts: Counter[str] = Counter()
    digest = hashlib.sha256()
    damaged: list[str] = []
    async with aclosing(_found(source, selection, now=now)) as found:
        async for each in found:
            if isinstance(each, ExportedLine):
                counts[each.kind] += 1
                digest.update(each.text)
                yield LineItem(each.text)
            elif isinstance(each, ContentItem):
                counts["contents"] += 1
                yield each
            elif len(damaged) < _MOST_DAMAGED:
                damaged.append(each.id)
    yield Manifest(
        created_at=now,
        source=source.about,
        counts=dict(counts),
        objects_sha256=digest.hexdigest(),
        selection=_described(selection),
        damaged=damaged,
    )


async def _found(
    source: ExportSource, selection: ExportSelection, *, now: int
) -> AsyncGenerator[ExportedLine | DamagedRow | ContentItem, None]:
    """Yields what is read. The snapshot lives in a thread of its own: its connection is bound to
    one.
    """
    loop = asyncio.get_running_loop()
    reading = _Reading(source, selection, now)
    with ThreadPoolExecutor(1, "export") as thread:
        try:
            answer = None
            while some := await loop.run_in_executor(thread, reading.take, answer):
                answer = None
                for each in some:
                    if isinstance(each, WantedContent):
                        content = _Content(source.blobs, each)
                        yield ContentItem(each.file.id, each.file.bytes, content.blocks())
                        answer = FoundContent(content.sha256)
                    else:
                        yield each
        finally:
            await loop.run_in_executor(thread, reading.close)


class _Reading:
    """The reading of one snapshot; all calls are of one thread."""

    def __init__(self, source: ExportSource, selection: ExportSelection, now: int) -> None:
        self._source = source
        self._selection = selection
        self._now = now
        self._snapshot: AbstractContextManager[Transaction] | None = None

    def take(self, answer: FoundContent | None) -> list[Found]:
        """Returns what comes next, up to a content that is wanted; nothing at the end. `answer` is
        about the content that was wanted before.
        """
        some: list[Found] = []
        if self._snapshot is None:
            self._snapshot = self._source.snapshot()
            tx = self._snapshot.__enter__()
            self._rows = exports.read_all(tx, self._selection, now=self._now)
        try:
            while len(some) < _AT_ONCE:
                some.append(self._rows.send(answer) if answer else next(self._rows))
                answer = None
                if isinstance(some[-1], WantedContent):
                    break
        except StopIteration:
            pass
        return some

    def close(self) -> None:
        """Ends the snapshot."""
        if self._snapshot is not None:
            self._snapshot.__exit__(None, None, None)


class _Content:
    """The content of a file, with its digest once it was read. What cannot be read is filled with
    zeros, since the number of bytes was told before; then there is no digest.
    """

    def __init__(self, stores: BlobStores, wanted: WantedContent) -> None:
        self._stores = stores
        self._wanted = wanted
        self.sha256: str | None = None

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        digest = hashlib.sha256()
        left = self._wanted.file.bytes
        try:
            async with aclosing(read(self._stores, self._wanted.blobs, 0, left)) as blocks:
                async for block in blocks:
                    digest.update(block)
                    left -= len(block)
                    yield block
        except Unavailable:
            pass
        if not left:
            self.sha256 = digest.hexdigest()
        while left:
            filling = _ZEROS[: min(left, len(_ZEROS))]
            left -= len(filling)
            yield filling


def _described(selection: ExportSelection) -> dict[str, str]:
    described = {
        "project": selection.project,
        "assistants": ",".join(sorted(selection.assistants)),
        "threads": ",".join(sorted(selection.threads)),
        "since": None if selection.since is None else str(selection.since),
        "files": None if selection.with_files else "no",
        "runs": None if selection.with_runs else "no",
    }
    return {name: value for name, value in described.items() if value}


def is_whole(manifest: Manifest) -> bool:
    """Returns True if an export has all objects of its projects: what its objects name besides was
    deleted where it came from.
    """
    return not (manifest.selection.keys() - {"project"})
