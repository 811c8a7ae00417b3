"""Search with vectors: both rankings fused, and models never mixed."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from perdure.errors import ProviderError
from perdure.model_settings import SCRIPTED
from perdure.providers import connect_embeddings
from perdure.retrieval import index, vectors
from perdure.store.database import Database
from tests.retrieval.shelf import Shelf

MODEL = connect_embeddings(SCRIPTED, model="hashed", dimensions=256)
OTHER = connect_embeddings(SCRIPTED, model="hashed", dimensions=64)


class Down:
    """A model whose server does not answer."""

    name = MODEL.name

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        raise ProviderError("The connection broke.")


@pytest.fixture
def hybrid(database: Database) -> Shelf:
    """Stores whose chunks get vectors."""
    return Shelf(database, {MODEL.name: MODEL})


async def test_vectors_find_what_words_do_not(hybrid: Shelf) -> None:
    store = await hybrid.store(model=MODEL.name)
    await hybrid.file(store, "file-a", "beekeeping", "tenancy")
    assert await hybrid.found("beekeeper") == ["beekeeping"]
    words = Shelf(hybrid.database)
    assert await words.found("beekeeper") == []


async def test_the_first_of_both_rankings_scores_1_and_of_one_a_half(hybrid: Shelf) -> None:
    store = await hybrid.store(model=MODEL.name)
    await hybrid.file(store, "file-a", "beekeeping", "tenancy")
    both = await hybrid.search("beekeeping")
    assert (both[0].text, both[0].score) == ("beekeeping", 1.0)
    one = await hybrid.search("beekeeper")
    assert one[0].text == "beekeeping"
    assert one[0].score == pytest.approx(0.5)
    assert all(passage.score < 0.5 for passage in [*both[1:], *one[1:]])


async def test_the_ranker_none_gives_the_cosine(hybrid: Shelf) -> None:
    store = await hybrid.store(model=MODEL.name)
    await hybrid.file(store, "file-a", "bees make honey", "bees make wax")
    first, second = await hybrid.search("bees make honey", ranker="none")
    assert first.score == pytest.approx(1.0, abs=0.002)
    a, b = await MODEL.embed(["bees make honey", "bees make wax"])
    assert second.score == pytest.approx(float(np.dot(a, b)), abs=0.002)


async def test_a_store_keeps_the_model_that_it_began_with(hybrid: Shelf) -> None:
    """Another model's vectors get neither in nor compared: it is searched by words then."""
    store = await hybrid.store(model=MODEL.name)
    await hybrid.file(store, "file-a", "beekeeping")
    assert await hybrid.database.write(index.model, store, OTHER.name) == MODEL.name
    changed = Shelf(hybrid.database, {OTHER.name: OTHER})
    await changed.file(store, "file-b", "beehive")
    assert await changed.found("beekeeper") == []
    assert await changed.found("beehive") == ["beehive"]
    again = Shelf(hybrid.database, {MODEL.name: MODEL, OTHER.name: OTHER})
    assert await again.found("beekeeper") == ["beekeeping"]


async def test_a_store_without_chunks_takes_the_model_of_today(hybrid: Shelf) -> None:
    write = hybrid.database.write
    store = await hybrid.store(model=None)
    assert await write(index.model, store, OTHER.name) == OTHER.name
    assert await write(index.model, store, MODEL.name) == MODEL.name
    await hybrid.file(store, "file-a", "beekeeping")
    assert await write(index.model, store, None) == MODEL.name
    assert await write(index.model, "vs_none", MODEL.name) is None


async def test_vectors_of_another_length_are_passed_over(hybrid: Shelf) -> None:
    """A server may give another model the old name."""
    store = await hybrid.store(model=MODEL.name)
    await hybrid.file(store, "file-a", "beekeeping")
    swapped = Shelf(hybrid.database, {MODEL.name: OTHER})
    await swapped.file(store, "file-b", "beehive")
    assert await swapped.found("beekeeper") == ["beehive"]
    assert await hybrid.found("beekeeper") == ["beekeeping"]


async def test_without_the_embedding_server_words_will_do(hybrid: Shelf) -> None:
    store = await hybrid.store(model=MODEL.name)
    await hybrid.file(store, "file-a", "bees make honey")
    down = Shelf(hybrid.database, {MODEL.name: Down()})
    with capture_logs() as logs:
        assert await down.found("honey") == ["bees make honey"]
    assert [(log["event"], log["reason"]) for log in logs] == [
        ("search_without_vectors", "The connection broke.")
    ]


async def test_a_large_store_finds_the_nearest_by_their_signs_first(hybrid: Shelf) -> None:
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
    units = vectors.unit(np.array(rows, dtype=np.float32))
    lengths = np.linalg.norm(units, axis=1)
    assert all(length == pytest.approx(1, abs=1e-5) or length == 0 for length in lengths.tolist())


def test_distance_counts_the_dimensions_whose_signs_differ() -> None:
    stored = vectors.pack(np.array([[1, 1, -1], [-1, -1, 1], [1, -1, -1]], dtype=np.float32))
    query = np.array([1, 1, -1], dtype=np.float32)
    assert vectors.distances(query, stored.signs).tolist() == [0, 3, 1]
