"""What is exported and imported again is the same (spec 10 §4.6), on each database and across."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.commands import files, threads
from perdure.commands.export_references import ExportSelection
from perdure.exchange.exporter import ExportSource, export
from perdure.exchange.items import ContentItem
from perdure.storage.blob_stores import read
from perdure.wire.exchange import Manifest
from perdure.wire.threads import CreateThread
from tests.commands.acts import PROJECT, Acts
from tests.databases import PostgresServer
from tests.exchange.filling import add_file, fill
from tests.exchange.places import NOW, Place, lines, opened, violations, written
from tests.properties.test_durability import _ANY
from tests.properties.world import Deed, World

_IN_HAND = ("queued", "in_progress", "requires_action", "cancelling")


def in_hand(path: Path) -> set[str]:
    """The ids of runs, steps and messages that had not ended."""
    return {
        line["id"]
        for line in lines(path)
        if line["object"].startswith("thread.") and line["status"] in _IN_HAND
    }


def comparable(path: Path, without: set[str]) -> list[dict[str, Any]]:
    """The lines without what an import computes anew."""
    found = []
    for line in lines(path):
        if line["id"] in without:
            continue
        if line["object"] == "vector_store":
            found.append({**line, "usage_bytes": 0, "file_counts": None, "status": None})
        elif line["object"] == "vector_store.file" and line["status"] == "completed":
            found.append({**line, "usage_bytes": 0, "status": "in_progress"})
        else:
            found.append(line)
    return found


async def check_round_trip(source: Place, target: Place, folder: Path) -> None:
    """An empty target has the same as the source, and so has what is exported from there."""
    first = await source.export(folder / "first")
    result = await target.imports(first)
    assert result.tally.failures == []
    assert (result.keeps_places, result.was_changed) == (True, False)
    assert await violations(target) == []
    second = await target.export(folder / "second")
    cut = in_hand(first)
    assert comparable(second, cut) == comparable(first, cut)
    assert not in_hand(second)
    again = await target.imports(second)
    assert (again.tally.failures, written(again)) == ([], 0)
    third = await target.export(folder / "third")
    assert (third / "objects.jsonl").read_bytes() == (second / "objects.jsonl").read_bytes()


async def test_what_is_imported_into_an_empty_database_is_exported_the_same(
    source: Place, target: Place, tmp_path: Path
) -> None:
    await fill(source)
    await check_round_trip(source, target, tmp_path)


async def test_new_objects_come_behind_imported_ones(
    source: Place, target: Place, tmp_path: Path
) -> None:
    await fill(source)
    await target.imports(await source.export(tmp_path / "first"))
    made = await target.database.write(threads.create, CreateThread(), project=PROJECT, now=NOW)
    exported = lines(await target.export(tmp_path / "second"))
    assert [each["id"] for each in exported if each["object"] == "thread"][-1] == made.id


@pytest.mark.parametrize("name", ["out.tar", "out.tar.zst"])
async def test_contents_and_lines_come_through_archives(
    source: Place, target: Place, tmp_path: Path, name: str
) -> None:
    content = bytes(range(256)) * 5000
    file_id = await add_file(source, content, "large.bin")
    empty_id = await add_file(source, b"", "empty.txt")
    result = await target.imports(await source.export(tmp_path / name))
    assert result.tally.failures == []
    found = await target.database.read(files.content, file_id, project=PROJECT)
    blocks = [block async for block in read(target.blobs, found.blobs, 0, len(content))]
    assert hashlib.sha256(b"".join(blocks)).digest() == hashlib.sha256(content).digest()
    empty = await target.database.read(files.content, empty_id, project=PROJECT)
    assert (empty.file.bytes, empty.file.status) == (0, "processed")


_DEEDS = st.lists(_ANY, min_size=5, max_size=40)


@given(deeds=_DEEDS)
@settings(max_examples=20)
def test_whatever_the_state_machine_makes_comes_through(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[Deed]
) -> None:
    asyncio.run(_whatever(None, None, tmp_path_factory.mktemp("any"), deeds))


@given(deeds=_DEEDS, comes_back=st.booleans())
@settings(max_examples=8)
def test_whatever_the_state_machine_makes_comes_through_postgres(
    postgres_server: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
    deeds: list[Deed],
    comes_back: bool,
) -> None:
    first, second = postgres_server.lend(), postgres_server.lend()
    target = postgres_server.url(second) if comes_back else None
    folder = tmp_path_factory.mktemp("any")
    try:
        asyncio.run(_whatever(postgres_server.url(first), target, folder, deeds))
    finally:
        postgres_server.take_back(first)
        postgres_server.take_back(second)


async def _whatever(
    source_url: str | None, target_url: str | None, folder: Path, deeds: list[Deed]
) -> None:
    source = await opened(source_url, folder / "a")
    target = await opened(target_url, folder / "b")
    try:
        world = World([source.database])
        await world.begin()
        for place, deed in enumerate(deeds):
            await world.do([deed])
            if place % 3 == 0:
                world.pass_time(7)
        await world.do([Deed("create", 0), Deed("claim", 0), Deed("work", 0)])
        await check_round_trip(source, target, folder)
    finally:
        await source.close()
        await target.close()


async def test_what_is_written_meanwhile_is_not_in_an_export(source: Place) -> None:
    await fill(source)
    kept = await source.database.read(lambda tx: len(tx.all("exports.threads", **_EVERY)))
    items = export(ExportSource(source.snapshot, source.blobs, {}), ExportSelection(), now=NOW)
    first = await anext(items)
    assert isinstance(first, ContentItem)
    assert b"".join([block async for block in first.blocks]) == b"Some text. \xff"
    await Acts(source.database).thread("Later")
    found = [each async for each in items if isinstance(each, Manifest)]
    assert found[0].counts["thread"] == kept


_EVERY = {"project": None, "after": 0, "limit": 1000}
