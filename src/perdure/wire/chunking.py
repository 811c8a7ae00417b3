"""Strategies that cut a file into chunks (spec 01 §2.5)."""

from typing import Annotated, TypeAlias

from msgspec import Meta

from perdure.wire.base import Body


class AutoChunking(Body, tag_field="type", tag="auto"):
    """The default strategy, the same as static 800/400."""


class ChunkSizes(Body):
    """Sizes in tokens. An overlap may be at most half of the chunk, which `sizes` checks."""

    max_chunk_size_tokens: Annotated[int, Meta(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[int, Meta(ge=0)]


class StaticChunking(Body, tag_field="type", tag="static"):
    """A strategy with given sizes. It is the only form in responses: `auto` is answered as static
    800/400.
    """

    static: ChunkSizes


AskedChunking: TypeAlias = AutoChunking | StaticChunking

DEFAULT = StaticChunking(static=ChunkSizes(max_chunk_size_tokens=800, chunk_overlap_tokens=400))
