"""How a file is cut into chunks (spec 01 §2.5)."""

from typing import Annotated, TypeAlias

from msgspec import Meta

from perdure.wire.base import Body


class AutoChunking(Body, tag_field="type", tag="auto"):
    """The same as static 800/400."""


class ChunkSizes(Body):
    """In tokens; an overlap may be at most half of the chunk, which `sizes` checks."""

    max_chunk_size_tokens: Annotated[int, Meta(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[int, Meta(ge=0)]


class StaticChunking(Body, tag_field="type", tag="static"):
    """The only form that is answered: a request for `auto` comes back as static 800/400."""

    static: ChunkSizes


AskedChunking: TypeAlias = AutoChunking | StaticChunking

DEFAULT = StaticChunking(static=ChunkSizes(max_chunk_size_tokens=800, chunk_overlap_tokens=400))
