"""What it costs to turn files into chunks: `python -m bench.ingestion`.

CPU is that of the processes that parse, which the system adds up when they have ended; so it does
not matter what else the machine does. The start of the fork server is measured alone, and taken
off.
"""

import asyncio
import resource
import tempfile
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

from tests.parsing import samples

import bench
from perdure.parsing.limits import ParsingLimits
from perdure.parsing.parser import Parser

_SENTENCE = "The quick brown fox number {} jumps over the lazy dog, and nobody knows why it does. "
# All of the files, so that none is refused.
_LIMITS = ParsingLimits(tokens=100_000_000, characters=200_000_000, seconds=600)
_SMALL = Path(bench.__file__)
_FILES: dict[str, tuple[int, Callable[[str], bytes]]] = {
    "html": (5_000_000, samples.html),
    "docx": (5_000_000, samples.docx),
    "pdf": (1_000_000, samples.pdf),
    "pptx": (1_000_000, samples.pptx),
}


def _prose(characters: int) -> str:
    text = "".join(_SENTENCE.format(number) for number in range(characters // len(_SENTENCE) + 1))
    return text[:characters]


def _cpu_seconds() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


async def _cost(paths: list[Path]) -> float:
    """CPU seconds of a fork server and of the children that parse these files."""
    before = _cpu_seconds()
    parser = Parser(_LIMITS)
    # a child counts once it is buried, as it will be by the end of the next: a small one is last
    for path in (*paths, _SMALL):
        async with aclosing(parser.passages(path, path.name)) as found:
            async for _ in found:
                pass
    await parser.close()
    return _cpu_seconds() - before


async def main() -> None:
    """Prints the figures, one on a line."""
    with tempfile.TemporaryDirectory() as folder:
        start = await _cost([])
        await _memory(Path(folder, "large.txt"))
        print(f"start of the fork server: {start:.2f} s of CPU")
        print(f"each small file: {(await _cost([_SMALL] * 100) - start) * 10:.1f} ms of CPU")
        for name, (characters, write) in _FILES.items():
            path = Path(folder, f"large.{name}")
            _save(path, write(_prose(characters)))
            seconds = await _cost([path]) - start
            print(f".{name}: {characters / seconds / 1e6:.1f} MB of text for a second of CPU")


async def _memory(path: Path) -> None:
    for _ in range(100):  # in pieces: the peak is to be that of parsing
        _save(path, _prose(1_000_000).encode())
    before = _peak_kilobytes()
    seconds = await _cost([path])
    grown = (_peak_kilobytes() - before) / 1000
    print(
        f"100 MB of text: {seconds:.0f} s of CPU; the server's peak memory grew by {grown:.1f} MB"
    )


def _save(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def _peak_kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    asyncio.run(main())
