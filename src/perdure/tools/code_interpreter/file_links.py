"""Links to the files that code has written: `sandbox:/mnt/data/…` in an answer is annotated.

The text stays as it is. It comes in fragments, and the annotations are the same whatever they
were (spec 06 §2).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from perdure.tools.annotation import AnnotatedText
from perdure.wire.messages import FilePath, FilePathAnnotation

PREFIX = "sandbox:/mnt/data/"

# Behind one of these, a letter belongs to the name; without, they end a sentence or an emphasis.
_JOINTS = "._-~+=%&@#/"
# Letters that go on a word. Scripts that put no space between words, from Thai on, do not.
_LETTER = re.compile(r"[^\W_\u0e00-\U0010ffff]")


class Linker:
    """The filter for one text part, behind the one for citations."""

    def __init__(self, files: Mapping[str, str]) -> None:
        # as models write them: plainly, or as in a link
        self._files = {quote(name): file_id for name, file_id in files.items()} | dict(files)
        self._held = ""
        self._length = 0

    def feed(self, fragments: Iterable[AnnotatedText]) -> list[AnnotatedText]:
        """See `TextFilter`."""
        told: list[AnnotatedText] = []
        for fragment in fragments:
            if fragment.annotation is not None:
                told += [*self._tell(final=True), fragment]
                self._length += len(fragment.text)
            else:
                self._held += fragment.text
                told += self._tell(final=False)
        return told

    def finish(self) -> list[AnnotatedText]:
        """See `TextFilter`."""
        return list(self._tell(final=True))

    def _tell(self, *, final: bool) -> Iterator[AnnotatedText]:
        while self._held:
            begin = self._held.find(PREFIX)
            if begin < 0:
                yield from self._plain(len(self._held) - (0 if final else _begun(self._held)))
                return
            yield from self._plain(begin)
            rest = self._held[len(PREFIX) :]
            if not final and any(_may_become(name, rest) for name in self._files):
                return
            name = max((name for name in self._files if _is_named(name, rest)), key=len, default="")
            if name:
                yield self._link(self._files[name], len(PREFIX) + len(name))
            else:
                yield from self._plain(len(PREFIX))

    def _plain(self, length: int) -> Iterator[AnnotatedText]:
        if length:
            text, self._held = self._held[:length], self._held[length:]
            self._length += length
            yield AnnotatedText(text)

    def _link(self, file_id: str, length: int) -> AnnotatedText:
        text, self._held = self._held[:length], self._held[length:]
        begin, self._length = self._length, self._length + length
        annotation = FilePathAnnotation(
            text=text,
            start_index=begin,
            end_index=self._length,
            file_path=FilePath(file_id=file_id),
        )
        return AnnotatedText(text, annotation)


def _may_become(name: str, rest: str) -> bool:
    """True if it takes more text to know that this begins with the name, and where that ends."""
    if len(rest) <= len(name):
        return name.startswith(rest)
    return rest.startswith(name) and len(rest) == len(name) + 1 and rest[-1] in _JOINTS


def _is_named(name: str, rest: str) -> bool:
    """True if this begins with the name, and with no longer one."""
    if not rest.startswith(name):
        return False
    behind = rest[len(name) : len(name) + 2]
    if behind[:1] in _JOINTS:
        behind = behind[1:]
    return not _LETTER.match(behind)


def _begun(text: str) -> int:
    """The number of characters at the end that may become the prefix."""
    lengths = range(min(len(PREFIX) - 1, len(text)), 0, -1)
    return next((length for length in lengths if text.endswith(PREFIX[:length])), 0)
