"""An index of earlier rules is searched by them and renewed; no hit is lost on the way."""

# ruff: noqa: RUF001 # other scripts are meant

from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.retrieval import renewal, upkeep
from tests.examples import WITH_FIXTURES
from tests.retrieval import first_rules
from tests.retrieval.filled_stores import Chunk, FilledStore, chunks, complete

NUMBERS = count()
NOW = 1_000_000.0
# Words that rules make something of, in several languages and scripts.
WORDS = [
    "bees", "bee", "PDFs", "https", "hmms", "lenses", "indexes", "indexing", "stories", "story",
    "Häuser", "Haus", "die", "der", "und", "nicht", "ist", "le", "dans", "une", "aimées", "новой",
    "линии", "красный", "и", "на", "не", "سنة", "إسطنبول", "كِتَابٌ", "كتاب", "של\u05c1ום",
    "שלום", "می\u200cخواهم",
    "Donau\u00addampf", "Donau", "日本語", "ภาษา", "हिन्दी", "１２３", "١٢٣", "\u0651", "x" * 70,
]  # fmt: skip
TEXTS = st.one_of(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), st.text(max_size=40))


async def old(
    filled: FilledStore, store: str, file_id: str, cut: Sequence[Chunk], name: str | None = None
) -> None:
    """A completed file as the first rules wrote it."""
    ingestion = await filled.database.write(first_rules.write, store, file_id, cut)
    await filled.database.write(complete, store, file_id, ingestion, {}, name)


async def renew(filled: FilledStore, now: float = NOW) -> int:
    """Renews until nothing is outdated; in how many steps."""
    steps = 0
    while (until := await filled.database.write(renewal.lease, now=now)) is not None:
        steps += 1
        await filled.database.write(renewal.release, until=until)
        await upkeep.step(filled.database, now=now)
    return steps


@given(cut=st.lists(TEXTS, min_size=1, max_size=5), new=st.lists(TEXTS, max_size=2), query=TEXTS)
@settings(WITH_FIXTURES, max_examples=60)
async def test_no_hit_is_lost_by_an_upgrade(
    filled: FilledStore, cut: list[str], new: list[str], query: str
) -> None:
    """Neither beside files of the new rules nor once it is renewed."""
    store = await filled.store(f"vs_{next(NUMBERS)}")
    await old(filled, store, "file-a", chunks(*cut))
    asked = set(first_rules.made(query, singles=False))
    hits = {
        text.replace("\x00", " ")
        for text in cut
        if not asked.isdisjoint(first_rules.made(text, singles=True))
    }
    assert hits <= set(await filled.found(query, stores=[store]))
    await filled.file(store, "file-b", *new)
    assert hits <= set(await filled.found(query, stores=[store], limit=20))
    await renew(filled)
    assert hits <= set(await filled.found(query, stores=[store], limit=20))


async def test_a_renewed_store_is_as_one_written_anew(filled: FilledStore) -> None:
    cut = [
        Chunk(f"# Hives\nAddresses of number{n} are in boxes of the hive", 9, n, 8)
        for n in range(450)
    ]
    for store in ("vs_old", "vs_new"):
        await filled.store(store)
    await old(filled, "vs_old", "file-a", cut, "keeping.md")
    await old(filled, "vs_old", "file-b", chunks("bees"), "other.md")
    await filled.named("vs_new", "file-a", "keeping.md", *cut)
    await filled.named("vs_new", "file-b", "other.md", *chunks("bees"))
    assert await filled.found("address", stores=["vs_old"]) == []
    # One piece of so many is renewed at once.
    assert await renew(filled) == 2
    for query in ("address box number7", "keeping", "hives", "bee"):
        found = [await filled.search(query, stores=[store]) for store in ("vs_old", "vs_new")]
        assert [(p.text, p.score) for p in found[0]] == [(p.text, p.score) for p in found[1]]
        assert found[0]


async def test_a_renewal_is_of_so_many_chunks_and_merges_what_it_wrote(filled: FilledStore) -> None:
    store = await filled.store()
    for n in range(12):
        await old(filled, store, f"file-{n}", chunks(*["bees"] * 90))
    found = await filled.search("bees", limit=50)
    assert await renew(filled) == 12
    assert [p.text for p in await filled.search("bees", limit=50)] == [p.text for p in found]
    assert (await filled.counts())["segments"] == 1 + 4
    assert await filled.drop() == []


async def test_one_server_renews_at_a_time(filled: FilledStore) -> None:
    """And another one goes on when its lease is over: it may have been killed."""
    store = await filled.store()
    await old(filled, store, "file-a", chunks("boxes"))
    assert await filled.database.write(renewal.lease, now=NOW) == pytest.approx(NOW + 60)
    await upkeep.step(filled.database, now=NOW + 59)
    assert await filled.found("box") == []
    await upkeep.step(filled.database, now=NOW + 60)
    assert await filled.found("box") == ["boxes"]
    assert await filled.database.write(renewal.lease, now=NOW + 60) is None


async def test_a_file_that_goes_while_it_is_renewed_is_not_found(filled: FilledStore) -> None:
    store = await filled.store()
    for n in range(2):
        await old(filled, store, f"file-{n}", chunks(f"boxes {n}"))
    planned = await filled.database.read(renewal.plan)
    assert planned is not None
    await filled.remove(store, "file-0")
    await filled.drop()
    assert not await filled.database.write(renewal.apply, planned)
    await renew(filled)
    assert await filled.found("box") == ["boxes 1"]
    await filled.drop()
    assert (await filled.counts())["segments"] == 1


async def test_a_plan_that_was_overtaken_changes_nothing(filled: FilledStore) -> None:
    store = await filled.store()
    await old(filled, store, "file-a", chunks("boxes"))
    planned = await filled.database.read(renewal.plan)
    assert planned is not None
    assert await filled.database.write(renewal.apply, planned)
    assert not await filled.database.write(renewal.apply, planned)
    assert await filled.found("box") == ["boxes"]
