"""Searches: several queries in several vector stores, and one list of passages. `ranking.py` finds
the best ones.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from perdure.retrieval import embedder
from perdure.retrieval import filters as rules
from perdure.retrieval.embedder import Embedders
from perdure.storage.database import Database, Transaction
from perdure.wire.search import Filter
from perdure.wire.vector_store_files import Attributes

if TYPE_CHECKING:
    from perdure.retrieval.vectors import Vectors

# `none` does without the fusion of two rankings.
Ranker: TypeAlias = Literal["none", "auto", "default-2024-11-15", "default_2024_08_21"]


class Passage(NamedTuple):
    """A chunk that was found; `score` is from 0 to 1 (docs/file-search.md says what it means)."""

    vector_store_id: str
    file_id: str
    filename: str
    attributes: Attributes
    score: float
    text: str
    tokens: int


class EmbeddedSearch(NamedTuple):
    """A search, once its queries have vectors; those are by the model's name."""

    queries: Sequence[str]
    vectors: "Mapping[str, Vectors]"
    limit: int
    score_threshold: float
    ranker: Ranker
    filters: Filter | None


async def search(
    database: Database,
    embedders: Embedders,
    stores: Sequence[str],
    queries: Sequence[str],
    *,
    limit: int,
    score_threshold: float = 0.0,
    ranker: Ranker = "auto",
    filters: Filter | None = None,
) -> list[Passage]:
    """Returns the best passages for any of the queries in any of the vector stores, best first.

    Of several queries, the one counts that a chunk answers best. Vector stores that do not exist
    hold nothing; the caller checks who may see them. Raises `BadRequest` for a filter that is too
    large.
    """
    if filters is not None:
        rules.check(filters)
    vectors = await _embedded(database, embedders, stores, queries) if embedders else {}
    asked = EmbeddedSearch(queries, vectors, limit, score_threshold, ranker, filters)
    return await database.read(_passages, stores, asked)


async def _embedded(
    database: Database, embedders: Embedders, stores: Sequence[str], queries: Sequence[str]
) -> "dict[str, Vectors]":
    """Returns the queries' vectors, by the name of each model that the vector stores have and that
    answers.
    """
    vectors = {}
    for name in await database.read(_models, stores):
        if name in embedders:
            embedded = await embedder.embed_queries(embedders[name], queries)
            if embedded is not None:
                vectors[name] = embedded
    return vectors


def _models(tx: Transaction, stores: Sequence[str]) -> set[str]:
    """Returns the models of the vector stores' vectors."""
    rows = (tx.one("searches.store", vector_store_id=store) for store in stores)
    return {row["embedding"] for row in rows if row is not None and row["embedding"] is not None}


def _passages(tx: Transaction, stores: Sequence[str], asked: EmbeddedSearch) -> list[Passage]:
    """Finds the passages. It runs in a thread of the database: numpy is imported there, with the
    first search.
    """
    from perdure.retrieval import ranking

    return ranking.rank_passages(tx, stores, asked)
