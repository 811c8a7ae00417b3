"""What the tests of parsing do with a parser."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import msgspec

from perdure.parsing.chunks import Chunk
from perdure.parsing.formats import Unparsable
from perdure.parsing.limits import ParsingLimits
from perdure.parsing.parser import Parser
from tests.patience import PATIENCE_SECONDS


@asynccontextmanager
async def limited(**limits: float) -> AsyncIterator[Parser]:
    """A parser with other limits."""
    parser = Parser(msgspec.convert({"seconds": PATIENCE_SECONDS, **limits}, ParsingLimits))
    try:
        yield parser
    finally:
        await parser.close()


async def chunks_of(parser: Parser, path: Path, filename: str | None = None) -> list[Chunk]:
    """All chunks of a file."""
    found = []
    async with aclosing(parser.passages(path, filename or path.name)) as passages:
        async for batch in passages:
            found += batch
    return found


async def outcome(parser: Parser, path: Path, filename: str | None = None) -> str:
    """The text of a file that has one chunk, or `code: message` of its refusal."""
    try:
        found = await chunks_of(parser, path, filename)
    except Unparsable as unparsable:
        return f"{unparsable.code}: {unparsable.message}"
    [chunk] = found
    return chunk.text
