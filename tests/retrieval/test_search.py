"""What is found, in which order, and what the scores mean."""

# other scripts are meant
import math
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.retrieval import lexical, searchable_chunks
from perdure.storage.database import Transaction
from perdure.wire.search import Equal
from tests.examples import WITH_FIXTURES
from tests.retrieval.filled_stores import Chunk, FilledStore


async def test_a_chunk_that_has_more_of_the_query_comes_first(filled: FilledStore) -> None:
    store = await filled.store()
    await filled.file(store, "file-a", "bees make honey", "bees make wax", "ants make hills")
    assert await filled.found("honey of bees") == ["bees make honey", "bees make wax"]


async def test_a_rare_word_counts_more_than_a_common_one(filled: FilledStore) -> None:
    store = await filled.store()
    await filled.file(store, "file-a", "bees fly", *(f"honey number {n}" for n in range(5)))
    assert (await filled.found("honey bees"))[0] == "bees fly"


async def test_scores_are_bm25_over_what_a_chunk_could_attain(filled: FilledStore) -> None:
    store = await filled.store()
    await filled.file(store, "file-a", "honey honey bees", "wax bees ants")
    first, second = await filled.search("honey bees unheard")
    rare, common, unheard = math.log1p(1.5 / 1.5), math.log1p(0.5 / 2.5), math.log1p(2.5 / 0.5)
    assert unheard > rare + common
    # What no chunk has counts as much as all the rest at most.
    attainable = 2 * (rare + common)
    # Both chunks have the average length, so that only the repetition counts.
    assert first.score == pytest.approx((rare * 2 / 3.2 + common / 2.2) / attainable, rel=0.02)
    assert second.score == pytest.approx((common / 2.2) / attainable, rel=0.02)


async def test_a_question_whose_rare_words_no_file_has_keeps_half_of_its_score(
    filled: FilledStore,
) -> None:
    store = await filled.store()
    await filled.file(store, "file-a", "bees make honey", "ants make hills")
    (whole,) = await filled.search("bees honey")
    (lacking,) = await filled.search("bees honey zyx wvu tsr qpo nml kji hgf edc")
    assert lacking.score == pytest.approx(whole.score / 2)


async def test_the_form_that_was_asked_for_comes_first(filled: FilledStore) -> None:
    store = await filled.store()
    forms = ["indexes", "indexed", "index", "indexing"]
    await filled.file(store, "file-a", *forms, "wax")
    for form in forms:
        found = await filled.search(form)
        assert found[0].text == form
        assert found[0].score > found[1].score
        assert {passage.text for passage in found} == {*forms}


async def test_forms_of_one_word_in_a_query_are_one_word(filled: FilledStore) -> None:
    store = await filled.store()
    await filled.file(store, "file-a", "indexes", "indexed", "index", "wax")
    found = await filled.search("index indexed")
    assert [passage.text for passage in found] == ["indexed", "index", "indexes"]
    assert found[0].score == found[1].score > found[2].score


async def test_a_file_is_found_by_its_name(filled: FilledStore) -> None:
    store = await filled.store()
    await filled.named(store, "file-a", "lease-2024.pdf", Chunk("the rent is due", 4, 0))
    await filled.named(store, "file-b", "minutes.pdf", Chunk("the lease was read", 4, 0))
    assert await filled.found("lease-2024.pdf", limit=1) == ["the rent is due"]
    assert await filled.found("rent in the lease 2024", limit=1) == ["the rent is due"]


async def test_a_word_in_a_heading_counts_more_than_one_in_the_text(filled: FilledStore) -> None:
    store = await filled.store()
    below = Chunk("# Wax\nbees make honey", 5, 0, len("# Wax\n"))
    await filled.named(store, "file-a", "", Chunk("bees make wax honey", 4, 0), below)
    assert await filled.found("wax") == [below.text, "bees make wax honey"]


async def test_files_of_several_languages_are_found_by_the_forms_of_each(
    filled: FilledStore,
) -> None:
    store = await filled.store()
    german = "Die Häuser sind nicht an der Straße, und das ist gut"
    english = "The houses are on the street, and that is good for us"
    await filled.file(store, "file-a", german)
    await filled.file(store, "file-b", english)
    assert await filled.found("Haus") == [german]
    assert await filled.found("housing") == [english]


async def test_a_threshold_and_a_limit_cut_the_list(filled: FilledStore) -> None:
    store = await filled.store()
    await filled.file(store, "file-a", "bees make honey", "bees make wax", "bees sleep")
    found = await filled.search("bees honey")
    assert len(found) == 3
    least = found[0].score
    assert await filled.search("bees honey", score_threshold=least) == found[:1]
    assert await filled.search("bees honey", limit=2) == found[:2]


async def test_several_queries_and_stores_make_one_list(filled: FilledStore) -> None:
    """A chunk is there once for each store that holds it, with its best score."""
    for store in ("vs_1", "vs_2"):
        await filled.store(store)
        await filled.file(store, "file-same", "bees make honey")
    await filled.file("vs_2", "file-rent", "the rent is due")
    found = await filled.search("honey", "bees honey", "rent", stores=["vs_1", "vs_2", "vs_none"])
    assert sorted((p.vector_store_id, p.text) for p in found) == [
        ("vs_1", "bees make honey"),
        ("vs_2", "bees make honey"),
        ("vs_2", "the rent is due"),
    ]
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)
    alone = await filled.search("bees honey", stores=["vs_2"])
    assert alone[0].score in scores


async def test_stores_do_not_see_each_other(filled: FilledStore) -> None:
    """Neither their chunks nor how rare a word is there."""
    for store in ("vs_1", "vs_2"):
        await filled.store(store)
        await filled.file(store, "file-a", "bees make honey", "ants make hills")
    before = await filled.search("bees")
    await filled.file("vs_2", "file-b", *(f"bees {n}" for n in range(50)))
    assert await filled.search("bees") == before
    assert len(before) == 1


async def test_a_passage_says_where_it_is_from(filled: FilledStore) -> None:
    store = await filled.store()
    await filled.file(store, "file-a", "bees make honey", attributes={"n": 1, "ok": True})
    (passage,) = await filled.search("honey")
    assert passage._replace(score=0.0) == (
        "vs_1", "file-a", "file-a.txt", {"n": 1, "ok": True}, 0.0, "bees make honey", 3
    )  # fmt: skip


async def test_other_scripts_are_found(filled: FilledStore) -> None:
    store = await filled.store()
    await filled.file(store, "file-a", "蜜蜂采集花蜜", "Пчёлы делают мёд", "النحل يصنع العسل")
    assert await filled.found("花蜜") == ["蜜蜂采集花蜜"]
    assert await filled.found("蜂") == ["蜜蜂采集花蜜"]
    assert await filled.found("МЕД") == ["Пчёлы делают мёд"]
    assert await filled.found("العسل") == ["النحل يصنع العسل"]


NUMBERS = count()
HOSTILE = [
    "", " ", "'", '"', "\x00", "\ud800", "*", "honey*", "NOT", "honey NOT bees", "AND OR NEAR(",
    '"honey', "(((((", "honey & | ! <-> :*", "col:honey", "^honey", "-honey", "%s %(x)s", ":name",
    "'; DROP TABLE chunks; --", "honey" * 10_000, "a " * 100_000, "\U0010ffff", "{}[]\\", "🐝",
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: repr(query[:20]))
async def test_hostile_queries_are_only_text(filled: FilledStore, query: str) -> None:
    store = await filled.store()
    await filled.file(store, "file-a", "bees make honey")
    expected = ["bees make honey"] if "honey" in query and len(query) < 100 else []
    assert await filled.found(query) == expected


@given(query=st.text(max_size=60), texts=st.lists(st.text(max_size=60), max_size=4))
@settings(WITH_FIXTURES, max_examples=30)
async def test_any_query_finds_ordered_scores_from_0_to_1(
    filled: FilledStore, query: str, texts: list[str]
) -> None:
    store = await filled.store(f"vs_{next(NUMBERS)}")
    await filled.file(store, "file-a", *texts)
    found = await filled.search(query, stores=[store])
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


async def test_what_lies_behind_8000_characters_of_a_query_is_not_looked_at(
    filled: FilledStore,
) -> None:
    store = await filled.store()
    await filled.file(store, "file-a", "honey")
    assert await filled.found("." * 7_990 + " honey") == ["honey"]
    assert await filled.found("." * 8_000 + " honey") == []


async def _in_large(filled: FilledStore, query: str, most_postings: int, **how: Any) -> list[int]:
    """The positions of what is found where a search may read so many postings."""

    def rank(tx: Transaction) -> list[int]:
        row = tx.one("searches.store", vector_store_id="vs_1")
        assert row is not None
        searched = searchable_chunks.read(tx, "vs_1", row["seq"], how.get("filters"))
        assert searched is not None
        found = lexical.rank(
            tx,
            row["seq"],
            searched,
            query,
            limit=20,
            least=how.get("least", 1),
            most_postings=most_postings,
        )
        return [scored.key.position for scored in found]

    return await filled.database.read(rank)


async def test_a_large_store_passes_over_the_words_that_most_chunks_have(
    filled: FilledStore,
) -> None:
    """Unless there are no others, or there is room for them."""
    store = await filled.store()
    await filled.file(store, "file-a", "the bees", *(f"the rent {n}" for n in range(9)))
    assert await _in_large(filled, "the bees", 5) == [0]
    assert await _in_large(filled, "the bees", 11) == [*range(10)]
    assert await _in_large(filled, "the", 5) == [*range(10)]
    assert await _in_large(filled, "the unheard", 5) == [*range(10)]
    assert await _in_large(filled, "rent bees the", 10) == [*range(10)]


async def test_common_words_are_read_where_the_others_find_too_little(filled: FilledStore) -> None:
    """Such as in the files that a filter accepts."""
    store = await filled.store()
    texts = [f"the rent {n}" for n in range(9)]
    await filled.file(store, "file-a", "the bees", "the wax")
    await filled.file(store, "file-b", *texts, attributes={"b": True})
    assert await _in_large(filled, "the bees", 5) == [0]
    assert len(await _in_large(filled, "the bees", 5, least=2)) == 11
    assert len(await _in_large(filled, "the bees rent", 5, least=2)) == 10
    only_b = Equal(key="b", value=True)
    assert await _in_large(filled, "the bees", 5, filters=only_b) == [*range(9)]
