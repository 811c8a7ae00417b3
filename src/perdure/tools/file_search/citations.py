"""Citations, made by the server: what a model writes of its sources becomes annotations.

Passages are given to the model with markers such as `【4:0†notes.txt】` (spec 06 §1.2). This is
the filter through which its answer goes: markers of passages that exist become `file_citation`
annotations, markers of passages that do not are taken out, and for models that write none a
marker is put behind each sentence that evidently comes from a passage (`evidence.py`). It is
given text in any fragments and gives the same text and annotations whatever the fragments were.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from perdure.tools.annotation import AnnotatedText
from perdure.tools.file_search.evidence import Evidence
from perdure.tools.file_search.markers import (
    OPENING,
    MarkerKey,
    MarkerReader,
    WrittenMarker,
    marker,
)
from perdure.wire.messages import FileCitation, FileCitationAnnotation

_OPENED = re.compile(f"[{re.escape(OPENING)}]")

# What ends a sentence: before a space, or anywhere.
_NARROW = ".!?"
_WIDE = "。！？"
_CLOSING = "\"')”’）」』》"  # noqa: RUF001
_LOOK = re.compile(rf"[{re.escape(OPENING)}\n]|[{_NARROW}{_WIDE}][{_NARROW}{_WIDE}{_CLOSING}]*")
_GOES_ON = re.compile(rf"[{_NARROW}{_WIDE}{_CLOSING}]+")
# How far behind a sentence its marker is looked for.
_BLANK = re.compile(r"\s{0,8}")
_MOST_BLANK = 8
# Of a sentence that is longer, its beginning says where it comes from.
_LONGEST = 4_000


class Source(NamedTuple):
    """A passage that can be cited."""

    file_id: str
    label: str
    text: str


class Citer:
    """The filter for one text part.

    `attribute`: markers are added for a model that writes none. `verbatim`: the text is not
    changed at all, and only what is exactly a marker of ours is annotated.
    """

    def __init__(
        self, sources: Mapping[MarkerKey, Source], *, attribute: bool, verbatim: bool = False
    ) -> None:
        self._sources = sources
        self._verbatim = verbatim
        self._markers = MarkerReader({key: source.label for key, source in sources.items()})
        self._evidence = Evidence({key: source.text for key, source in sources.items()})
        # None as soon as the model cites by itself: it knows how to.
        self._sentence = _Sentence() if attribute and sources and not verbatim else None
        self._held = ""
        # how much of what is held has been told
        self._at = 0
        self._length = 0
        self._before = ""

    def feed(self, fragments: Iterable[AnnotatedText]) -> list[AnnotatedText]:
        """See `TextFilter`."""
        certain: list[AnnotatedText] = []
        for fragment in fragments:
            if fragment.annotation is not None:
                certain += [*self._tell(final=True), fragment]
                self._length += len(fragment.text)
                self._before = fragment.text[-1]
                continue
            self._held = self._held[self._at :] + fragment.text
            self._at = 0
            certain += self._tell(final=False)
        return certain

    def finish(self) -> list[AnnotatedText]:
        """See `TextFilter`."""
        return [*self._tell(final=True), *self._attributed()]

    def _tell(self, *, final: bool) -> Iterator[AnnotatedText]:
        while self._at < len(self._held):
            first = self._held[self._at]
            if first in OPENING:
                if not final and self._markers.needs_more(self._held, self._at):
                    return
                yield from self._bracket()
            elif self._sentence is not None and self._sentence.is_over_before(first):
                blank = _BLANK.match(self._held, self._at)
                assert blank is not None  # noqa: S101 # it matches nothing, too
                follows = self._held[blank.end() : blank.end() + 1]
                is_near = len(blank[0]) < _MOST_BLANK
                if is_near and not follows and not final:
                    return
                # A marker right behind the sentence is the sentence's.
                if not is_near or _OPENED.match(follows) is None:
                    yield from self._attributed()
                if blank[0]:
                    yield self._plain(blank.end())
            else:
                yield self._plain(self._next_look())

    def _next_look(self) -> int:
        """Up to where what is held is plain text, before something to look at."""
        if self._sentence is None:
            opened = _OPENED.search(self._held, self._at)
            return opened.start() if opened else len(self._held)
        if self._sentence.stops and (more := _GOES_ON.match(self._held, self._at)):
            return more.end()
        found = _LOOK.search(self._held, self._at)
        if found is None:
            return len(self._held)
        return (
            found.start()
            if found[0] in f"{OPENING}\n" and found.start() > self._at
            else found.end()
        )

    def _bracket(self) -> Iterator[AnnotatedText]:
        found = self._markers.read(self._held, self._at, before=self._before)
        if found is None or (self._verbatim and not self._is_exact(found)):
            yield self._plain(self._at + 1)
            return
        self._at = found.end
        if found.keys:
            self._sentence = None
        for key in found.keys:
            yield self._cited(key)

    def _is_exact(self, found: WrittenMarker) -> bool:
        written = self._held[self._at : found.end]
        return [written] == [marker(key, self._sources[key].label) for key in found.keys]

    def _attributed(self) -> Iterator[AnnotatedText]:
        """The marker of the sentence that is over."""
        if self._sentence is None:
            return
        key = self._evidence.of_next(self._sentence.text)
        self._sentence = _Sentence()
        if key is not None:
            yield self._cited(key)

    def _cited(self, key: MarkerKey) -> AnnotatedText:
        source = self._sources[key]
        text, start = marker(key, source.label), self._length
        self._length += len(text)
        self._before = text[-1]
        return AnnotatedText(
            text,
            FileCitationAnnotation(
                text=text,
                start_index=start,
                end_index=self._length,
                file_citation=FileCitation(file_id=source.file_id),
            ),
        )

    def _plain(self, end: int) -> AnnotatedText:
        text, self._at = self._held[self._at : end], end
        self._length += len(text)
        self._before = text[-1]
        if self._sentence is not None:
            self._sentence.add(text)
        return AnnotatedText(text)


class _Sentence:
    """The sentence that is being told, as far as it may be one."""

    def __init__(self) -> None:
        # The different stops with which it ends so far, whatever closes between and behind them.
        self.stops: set[str] = set()
        self._is_blank = True
        self._length = 0
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def add(self, text: str) -> None:
        bare = text.rstrip(_NARROW + _WIDE + _CLOSING)
        if bare:
            self.stops.clear()
        self.stops.update(stop for stop in _NARROW + _WIDE if stop in text[len(bare) :])
        self._is_blank = self._is_blank and text.isspace()
        if self._length < _LONGEST:
            self._pieces.append(text[: _LONGEST - self._length])
            self._length += len(self._pieces[-1])

    def is_over_before(self, char: str) -> bool:
        """True if it is a whole sentence, now that the next character is known. A full stop ends
        one before a space only: 3.14 is none.
        """
        if self._is_blank:
            return False
        if char.isspace():
            return char == "\n" or bool(self.stops)
        return not self.stops.isdisjoint(_WIDE) and _GOES_ON.match(char) is None
