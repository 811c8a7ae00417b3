"""A parser that tests share, because its start takes a second."""

from perdure.parsing.parser import Parser


class SharedParser(Parser):
    """A parser for many workers, one after the other: none of them ends it."""

    async def close(self) -> None:
        """Others need it."""

    async def end(self) -> None:
        await super().close()
