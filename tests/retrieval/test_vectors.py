"""Search with vectors: both rankings fused, and models never mixed."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from perdure.errors import LeaseLost, ProviderError
from perdure.model_servers import connect_embeddings
from perdure.retrieval import index_writer, vectors
from perdure.settings.models import SCRIPTED
from perdure.storage.database import Database
from tests.retrieval.filled_stores import FilledStore, begin, chunks

MODEL = connect_embeddings(SCRIPTED, model="hashed", dimensions=256)
OTHER = connect_embeddings(SCRIPTED, model="hashed", dimensions=64)


class Down:
    """A model whose server does not answer."""

    name = MODEL.name

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        raise ProviderError("The connection broke.")


@pytest.fixture
def hybrid(database: Database) -> FilledStore:
    """Stores whose chunks get vectors."""
    return FilledStore(database, {MODEL.name: MODEL})


async def test_vectors_find_what_words_do_not(hybrid: FilledStore) -> None:
    store = await hybrid.store(model=MODEL.name)
    await hybrid.file(store, "file-a", "beekeeping", "tenancy")
    assert await hybrid.found("beekept") == ["beekeeping"]
    words = FilledStore(hybrid.database)
    assert await words.found("beekept") == []


async def test_a_fused_score_is_the_better_one_of_words_and_meaning(hybrid: FilledStore) -> None:
    store = await hybrid.store(model=MODEL.name)
    await hybrid.file(store, "file-a", "beekeeping", "tenancy")
    [same, *_] = await hybrid.search("beekeeping")
    assert same.text == "beekeeping"
    assert same.score == pytest.approx(1.0, abs=0.002)
    asked, near = await MODEL.embed(["beekept", "beekeeping"])
    [alike, *_] = await hybrid.search("beekept")
    cosine = float(np.dot(asked, near))
    assert alike.text == "beekeeping"
    assert alike.score == pytest.approx(cosine, abs=0.002)


async def test_a_threshold_keeps_what_has_nothing_to_do_with_the_query_out(
    hybrid: FilledStore,
) -> None:
    store = await hybrid.store(model=MODEL.name)
    await hybrid.file(store, "file-a", "bees make honey", "tenancy law of 1998", "wax candles")
    found = await hybrid.search("bees make honey", score_threshold=0.5)
    assert [passage.text for passage in found] == ["bees make honey"]
    assert await hybrid.search("quarterly revenue", score_threshold=0.5) == []


async def test_fused_scores_descend(hybrid: FilledStore) -> None:
    """However the two rankings differ: so a threshold cuts off the end of the list."""
    store = await hybrid.store(model=MODEL.name)
    texts = ["bees", "bees bees wax", "beekeeping and bees", "the beekept", "wax of beehives"]
    await hybrid.file(store, "file-a", *texts, *(f"rent {n}" for n in range(5)))
    found = await hybrid.search("wax of bees")
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)
    for number, score in enumerate(scores, start=1):
        cut = await hybrid.search("wax of bees", score_threshold=score)
        assert cut == found[: max(number, scores.count(score) + scores.index(score))]


async def test_all_stores_are_ranked_together(hybrid: FilledStore) -> None:
    """The best of a store that has nothing to say does not stand before what another has."""
    await hybrid.store("vs_1", model=MODEL.name)
    await hybrid.file("vs_1", "file-a", *(f"tenancy law, part {n}" for n in range(20)))
    await hybrid.store("vs_2", model=MODEL.name)
    await hybrid.file("vs_2", "file-b", "bees make honey")
    await hybrid.store("vs_3", model=None)
    await FilledStore(hybrid.database).file("vs_3", "file-c", "honey of bees")
    found = await hybrid.search("bees make honey", stores=["vs_1", "vs_2", "vs_3"], limit=3)
    assert found[0].text == "bees make honey"
    assert "honey of bees" in [passage.text for passage in found[1:]]


async def test_the_ranker_none_gives_the_cosine(hybrid: FilledStore) -> None:
    store = await hybrid.store(model=MODEL.name)
    await hybrid.file(store, "file-a", "bees make honey", "bees make wax")
    first, second = await hybrid.search("bees make honey", ranker="none")
    assert first.score == pytest.approx(1.0, abs=0.002)
    a, b = await MODEL.embed(["bees make honey", "bees make wax"])
    assert second.score == pytest.approx(float(np.dot(a, b)), abs=0.002)


async def test_a_store_keeps_the_model_that_it_began_with(hybrid: FilledStore) -> None:
    """Another model's vectors get neither in nor compared: it is searched by words then."""
    store = await hybrid.store(model=MODEL.name)
    await hybrid.file(store, "file-a", "beekeeping")
    assert await hybrid.database.write(index_writer.ensure_model, store, OTHER.name) == MODEL.name
    changed = FilledStore(hybrid.database, {OTHER.name: OTHER})
    await changed.file(store, "file-b", "beehive")
    assert await changed.found("beekept") == []
    assert await changed.found("beehive") == ["beehive"]
    again = FilledStore(hybrid.database, {MODEL.name: MODEL, OTHER.name: OTHER})
    assert await again.found("beekept") == ["beekeeping"]


async def test_a_store_without_chunks_takes_the_model_of_today(hybrid: FilledStore) -> None:
    write = hybrid.database.write
    store = await hybrid.store(model=None)
    assert await write(index_writer.ensure_model, store, OTHER.name) == OTHER.name
    assert await write(index_writer.ensure_model, store, MODEL.name) == MODEL.name
    await hybrid.file(store, "file-a", "beekeeping")
    assert await write(index_writer.ensure_model, store, None) == MODEL.name
    assert await write(index_writer.ensure_model, "vs_none", MODEL.name) is None


async def test_two_servers_with_different_settings_mix_no_vectors(hybrid: FilledStore) -> None:
    """One has begun a file and embedded nothing yet, when the other notes its own model."""
    write = hybrid.database.write
    store = await hybrid.store(model=MODEL.name)
    ingestion = await write(begin, store, "file-a")
    assert await write(index_writer.ensure_model, store, OTHER.name) == OTHER.name
    embedded = np.array(await MODEL.embed(["beekeeping"]), dtype=np.float32)
    piece = index_writer.prepare(chunks("beekeeping"), embedded)
    with pytest.raises(LeaseLost, match=f"has vectors of {OTHER.name} by now"):
        await write(index_writer.write, ingestion, store, piece, embedding=MODEL.name)
    assert (await hybrid.counts())["chunks"] == 0


async def test_vectors_of_another_length_are_passed_over(hybrid: FilledStore) -> None:
    """A server may give another model the old name."""
    store = await hybrid.store(model=MODEL.name)
    await hybrid.file(store, "file-a", "beekeeping")
    swapped = FilledStore(hybrid.database, {MODEL.name: OTHER})
    await swapped.file(store, "file-b", "beehive")
    assert await swapped.found("beekept") == ["beehive"]
    assert await hybrid.found("beekept") == ["beekeeping"]


async def test_without_the_embedding_server_words_will_do(hybrid: FilledStore) -> None:
    store = await hybrid.store(model=MODEL.name)
    await hybrid.file(store, "file-a", "bees make honey")
    down = FilledStore(hybrid.database, {MODEL.name: Down()})
    with capture_logs() as logs:
        assert await down.found("honey") == ["bees make honey"]
    assert [(log["event"], log["reason"]) for log in logs] == [
        ("search_without_vectors", "The connection broke.")
    ]


async def test_a_large_store_finds_the_nearest_by_their_signs_first(hybrid: FilledStore) -> None:
    """More chunks than are compared exactly, in several merged segments, some removed."""
    store = await hybrid.store(model=MODEL.name)
    for n in range(18):
        texts = [f"unlike {n * 100 + m} {m % 7}{n} zz{m}" for m in range(50)]
        await hybrid.file(store, f"file-{n}", *texts, f"beekeeping number {n}")
    await hybrid.remove(store, "file-4")
    await hybrid.drop()
    await hybrid.merge()
    found = await hybrid.found("beekeeping number", ranker="none", limit=17)
    assert sorted(found) == sorted(f"beekeeping number {n}" for n in range(18) if n != 4)


def test_packed_vectors_take_two_bytes_and_a_bit_for_each_dimension() -> None:
    packed = vectors.pack(np.ones((3, 100), dtype=np.float32))
    assert [len(vector) for vector in packed.vectors] == [200] * 3
    assert len(packed.signs) == 3 * 16
    assert packed.size == 3 * 216


@given(st.lists(st.lists(st.floats(width=32), min_size=3, max_size=3), min_size=1, max_size=5))
def test_whatever_a_server_sends_becomes_unit_vectors_or_zeros(rows: list[list[float]]) -> None:
    units = vectors.normalize(np.array(rows, dtype=np.float32))
    lengths = np.linalg.norm(units, axis=1)
    assert all(length == pytest.approx(1, abs=1e-5) or length == 0 for length in lengths.tolist())


def test_distance_counts_the_dimensions_whose_signs_differ() -> None:
    stored = vectors.pack(np.array([[1, 1, -1], [-1, -1, 1], [1, -1, -1]], dtype=np.float32))
    query = np.array([1, 1, -1], dtype=np.float32)
    assert vectors.distances(query, stored.signs).tolist() == [0, 3, 1]
