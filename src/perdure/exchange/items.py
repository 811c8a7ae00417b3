"""The items of an export in their order: contents and lines, and the manifest at the end."""

from collections.abc import AsyncGenerator
from typing import NamedTuple, TypeAlias

from perdure.wire.exchange import Manifest


class ContentItem(NamedTuple):
    """The content of a file, which comes before the file's line. All blocks must be taken before
    the next item is.
    """

    file_id: str
    size: int
    blocks: AsyncGenerator[bytes, None]


class LineItem(NamedTuple):
    """A line of `objects.jsonl`, with its end."""

    text: bytes


Item: TypeAlias = ContentItem | LineItem | Manifest
Items: TypeAlias = AsyncGenerator[Item, None]
