"""The import of an archive: what later objects refer to comes first, and many groups are under way
at once, so that they share commits.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple

from perdure.commands.import_tally import ImportTally
from perdure.commands.imports import ImportBeginning
from perdure.exchange.archives import Archive
from perdure.exchange.items import ContentItem
from perdure.exchange.line_index import SINGLE_KINDS, LineGroup, LineIndex
from perdure.exchange.originals import Originals
from perdure.exchange.targets import ImportTarget
from perdure.wire import exchange
from perdure.wire.exchange import UnreadableLine

_AT_ONCE = 64
# Contents are large, and each holds some blocks.
_CONTENTS_AT_ONCE = 4


class ImportProgress(NamedTuple):
    """The state of an import: lines that were written or passed over, and all lines."""

    done: int
    lines: int


class ImportResult(NamedTuple):
    """The outcome of an import. `keeps_places`: its objects have the places that they had.
    `was_changed`: the lines are not those that were exported.
    """

    tally: ImportTally
    keeps_places: bool
    was_changed: bool
    lines: int


async def run(
    archive: Archive,
    target: ImportTarget,
    *,
    on_progress: Callable[[ImportProgress], None] = lambda _: None,
    originals: Originals | None = None,
) -> ImportResult:
    """Imports an archive. It may be run again after it was broken off, and goes on. `originals` are
    files that are looked for where the archive has no content.

    Raises `APIError` and `RequestFailed` where the target cannot go on.
    """
    tally = ImportTally()
    with closing(LineIndex(archive.objects, tally)) as index:
        await asyncio.to_thread(index.build)
        keeps = await target.begin(ImportBeginning(index.digest, index.last_places()))
        work = _Work(archive, target, tally, index.lines, on_progress, originals)
        for kind in SINGLE_KINDS:
            at_once = _AT_ONCE
            if kind == "file":
                # Where they get new places, they get them in their order.
                at_once = _CONTENTS_AT_ONCE if keeps else 1
            await work.all(index.singles(kind), at_once=at_once)
        await work.all(index.threads(), at_once=_AT_ONCE)
        was_changed = index.digest != archive.manifest.objects_sha256
        return ImportResult(tally, keeps, was_changed, index.lines)


class _Work:
    """Groups that are being written."""

    def __init__(
        self,
        archive: Archive,
        target: ImportTarget,
        tally: ImportTally,
        lines: int,
        on_progress: Callable[[ImportProgress], None],
        originals: Originals | None,
    ) -> None:
        self._originals = originals
        self._archive = archive
        self._target = target
        self._tally = tally
        self._lines = lines
        self._on_progress = on_progress
        self._done = 0

    async def all(self, groups: Iterator[LineGroup], *, at_once: int) -> None:
        """Writes all groups, so many at once, and returns when the last one is written."""
        under_way: set[asyncio.Task[None]] = set()
        try:
            for group in groups:
                if len(group) == 0:
                    continue
                under_way.add(asyncio.create_task(self._one(group)))
                if len(under_way) >= at_once:
                    under_way = await _some(under_way)
            while under_way:
                under_way = await _some(under_way)
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _one(self, group: LineGroup) -> None:
        content = self._content(group) if group.kind == "file" else None
        self._tally.add(await self._target.add(group, content))
        self._done += len(group)
        self._on_progress(ImportProgress(self._done, self._lines))

    def _content(self, group: LineGroup) -> ContentItem | None:
        _, text = next(group.lines())
        try:
            head = exchange.head(text)
        except UnreadableLine:
            return None
        content = None if head.export.bytes_missing else self._archive.content(head.id)
        # Bytes of another number are another file's, or were cut off.
        if content is not None and content.size == head.bytes:
            return content
        return self._originals.content(head) if self._originals else None


async def _some(under_way: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Waits until some are done. Returns the others. Raises what one of them has raised."""
    done, left = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        if (error := task.exception()) is not None:
            for other in left:
                other.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            raise error
    return left
