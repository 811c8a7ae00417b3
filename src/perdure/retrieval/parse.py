from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Literal, NamedTuple

from perdure.errors import PerdureError


class Unparsable(PerdureError):
    def __init__(
        self, code: Literal["server_error", "unsupported_file", "invalid_file"], message: str
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Chunk(NamedTuple):
    text: str
    start: int
    end: int
    tokens: int


class Parser:
    async def chunks(
        self, path: Path, filename: str, *, max_tokens: int, overlap: int
    ) -> AsyncGenerator[list[Chunk], None]:
        data = path.read_bytes()
        if not filename.endswith((".txt", ".md")):
            raise Unparsable("unsupported_file", "no")
        text = data.decode()
        if not text.strip():
            raise Unparsable("invalid_file", "empty")
        out = []
        at = 0
        for para in text.split("\n\n"):
            out.append(Chunk(para, at, at + len(para), max(1, len(para) // 4)))
            at += len(para) + 2
        for i in range(0, len(out), 100):
            yield out[i : i + 100]
