"""The objects of a list of the API, page by page."""

from collections.abc import AsyncGenerator, Mapping
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlencode

from perdure.cli.client import Client
from perdure.wire.base import Object

_MOST = 100


class _Listed(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Listed)


class _Page(Object, Generic[T]):
    data: list[T]
    has_more: bool


async def objects(
    client: Client,
    path: str,
    kind: type[T],
    query: Mapping[str, str] | None = None,
    *,
    limit: int | None = None,
) -> AsyncGenerator[T, None]:
    """Yields the objects of a list, `limit` of them at most. Raises `RequestFailed`."""
    asked = dict(query or {})
    left = limit
    while left is None or left > 0:
        asked["limit"] = str(_MOST if left is None else min(left, _MOST))
        # msgspec reads the parameter at run time
        page: _Page[T] = await client.get(f"{path}?{urlencode(asked)}", _Page[kind])  # type: ignore[valid-type]
        for each in page.data:
            yield each
        if not (page.has_more and page.data):
            return
        left = None if left is None else left - len(page.data)
        asked["after"] = page.data[-1].id
