"""Direct search in a vector store (spec 01 §11, 06 §1.7 and §1.8)."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from perdure.wire.base import Body, Object
from perdure.wire.vector_store_files import Attributes, ContentText

# Each query is a search of its own.
MOST_QUERIES = 32
MOST_COMPARISONS = 100
MOST_VALUES = 1000

Value: TypeAlias = str | int | float | bool
Values: TypeAlias = Annotated[list[str | int | float], Meta(max_length=MOST_VALUES)]


class Equal(Body, tag_field="type", tag="eq"):
    key: str
    value: Value


class NotEqual(Body, tag_field="type", tag="ne"):
    key: str
    value: Value


class Greater(Body, tag_field="type", tag="gt"):
    key: str
    value: Value


class GreaterOrEqual(Body, tag_field="type", tag="gte"):
    key: str
    value: Value


class Less(Body, tag_field="type", tag="lt"):
    key: str
    value: Value


class LessOrEqual(Body, tag_field="type", tag="lte"):
    key: str
    value: Value


class In(Body, tag_field="type", tag="in"):
    key: str
    value: Values


class NotIn(Body, tag_field="type", tag="nin"):
    key: str
    value: Values


class All(Body, tag_field="type", tag="and"):
    filters: "Filters"


class AnyOf(Body, tag_field="type", tag="or"):
    filters: "Filters"


Filter: TypeAlias = (
    Equal | NotEqual | Greater | GreaterOrEqual | Less | LessOrEqual | In | NotIn | All | AnyOf
)
Filters: TypeAlias = Annotated[list[Filter], Meta(max_length=MOST_COMPARISONS)]


class SearchRanking(Body):
    """Ranking options of a direct search. Its rankers are spelt with hyphens, unlike the tool's."""

    ranker: Literal["none", "auto", "default-2024-11-15"] = "auto"
    score_threshold: Annotated[float, Meta(ge=0, le=1)] = 0.0


class SearchRequest(Body):
    query: (
        str
        | Annotated[
            list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1, max_length=MOST_QUERIES)
        ]
    )
    rewrite_query: bool = False
    max_num_results: Annotated[int, Meta(ge=1, le=50)] = 10
    filters: Filter | None = None
    ranking_options: SearchRanking | None = None


class SearchResult(Object, kw_only=True):
    """One chunk that was found; `score` is between 0 and 1."""

    file_id: str
    filename: str
    score: float
    attributes: Attributes | None
    content: list[ContentText]


class SearchResultsPage(Object, kw_only=True):
    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
    search_query: list[str]
    data: list[SearchResult]
    has_more: bool = False
    next_page: str | None = None
