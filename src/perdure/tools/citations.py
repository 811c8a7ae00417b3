"""Citations, made by the server: what a model writes of its sources becomes annotations.

Passages are given to the model with markers such as `【4:0†notes.txt】` (spec 06 §1.2). This is
the filter through which its answer goes: markers of passages that exist become `file_citation`
annotations, markers of passages that do not are taken out, and for models that write none a
marker is put behind each sentence that evidently comes from a passage. It is given text in any
pieces and gives the same text and annotations whatever the pieces were.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from perdure.wire.messages import FileCitation, FileCitationAnnotation, FilePathAnnotation

# A marker, as we give it and as models spoil it: another bracket, no label.
_MARKER = re.compile(r"[【\[](\d{1,4}):(\d{1,4})(?:†[^】\]\n]{0,255})?[】\]]")
# What may still become one. Without a colon it is somebody's footnote or list.
_BEGUN = re.compile(r"[【\[](?:\d{1,4}(?::(?:\d{1,4}(?:†[^】\]\n]{0,255})?)?)?)?")
# The older form, that models know from their training; no passage of ours is ever called so.
_FOREIGN = re.compile(r"【\d{1,4}†[^】\n]{0,255}】")
_FOREIGN_BEGUN = re.compile(r"【(?:\d{1,4}(?:†[^】\n]{0,255})?)?")
_STOP = re.compile(r"[【\[\n]|[.!?。！？]+[\"')”’]*")
_WIDE_END = re.compile(r".*[。！？][\"')”’]*", re.DOTALL)
_END = re.compile(r".*[.!?。！？][\"')”’]*", re.DOTALL)
_WORD = re.compile(r"\w{3,}|\d+")

# When a sentence evidently comes from a passage: it has so many different words, this part of
# them is in the passage, and so many stand there one behind the other.
_WORDS = 4
_SHARE = 0.7
_RUN = 3


class Source(NamedTuple):
    """A passage that can be cited."""

    file_id: str
    label: str
    text: str


class Piece(NamedTuple):
    """A piece of the answer; with an annotation, its text is the whole marker."""

    text: str
    annotation: FileCitationAnnotation | FilePathAnnotation | None = None


class Key(NamedTuple):
    """The numbers of a marker: of the tool output, and of the passage in it."""

    output: int
    passage: int


def marker(key: Key, label: str) -> str:
    """The marker of a passage (spec 06 §1.2)."""
    return f"【{key.output}:{key.passage}†{_harmless(label)}】"


class Citer:
    """The filter for one text part."""

    def __init__(self, sources: Mapping[Key, Source], *, attribute: bool) -> None:
        self._sources = {key: _Source(key, source) for key, source in sources.items()}
        # Off as soon as the model cites by itself: it knows how to.
        self._attribute = attribute
        self._held = ""
        self._length = 0
        self._sentence = ""
        self._last: Key | None = None

    def feed(self, text: str) -> list[Piece]:
        """What can be told now that this piece has come."""
        self._held += text
        return list(self._tell(final=False))

    def finish(self) -> list[Piece]:
        """What was held back, at the end of the part."""
        pieces = list(self._tell(final=True))
        if self._sentence.strip():
            pieces += self._attributed()
        return pieces

    def _tell(self, *, final: bool) -> Iterator[Piece]:
        while self._held:
            if self._held[0] in "【[":
                if not final and _may_become_marker(self._held):
                    return
                yield from self._bracket()
            elif self._has_ended():
                blank = self._held[: len(self._held) - len(self._held.lstrip())]
                if blank == self._held and not final:
                    return
                # A marker right behind the sentence is the sentence's.
                if self._held[len(blank) : len(blank) + 1] not in ("【", "["):
                    yield from self._attributed()
                    self._sentence = ""
                    yield self._plain(self._cut(max(1, len(blank))))
                else:
                    yield self._plain(self._cut(len(blank)))
            else:
                yield self._plain(self._cut(self._next_stop()))

    def _has_ended(self) -> bool:
        """Whether what was told so far is a whole sentence, now that the next character is known.
        A full stop ends one before a space only: 3.14 is none.
        """
        if not self._sentence.strip():
            return False
        if self._held[0].isspace():
            return self._held[0] == "\n" or _END.fullmatch(self._sentence) is not None
        return _WIDE_END.fullmatch(self._sentence) is not None

    def _next_stop(self) -> int:
        """How much of what is held is plain text before something to look at."""
        stop = _STOP.search(self._held)
        if stop is None:
            return len(self._held)
        return stop.start() if stop[0] in "【[\n" and stop.start() else stop.end()

    def _bracket(self) -> Iterator[Piece]:
        found = _MARKER.match(self._held)
        if found is None:
            foreign = _FOREIGN.match(self._held)
            if foreign is None:
                yield self._plain(self._cut(1))
            else:
                self._cut(foreign.end())
            return
        self._cut(found.end())
        key = Key(int(found[1]), int(found[2]))
        if key in self._sources:
            self._attribute = False
            yield self._cited(key)

    def _attributed(self) -> Iterator[Piece]:
        if not self._attribute or not self._sentence.strip():
            return
        best = max(self._sources.values(), key=lambda source: source.share(self._sentence))
        if best.is_evident(self._sentence) and best.key != self._last:
            yield self._cited(best.key)

    def _cited(self, key: Key) -> Piece:
        source = self._sources[key].source
        text, start = marker(key, source.label), self._length
        self._length += len(text)
        self._last = key
        return Piece(
            text,
            FileCitationAnnotation(
                text=text,
                start_index=start,
                end_index=self._length,
                file_citation=FileCitation(file_id=source.file_id),
            ),
        )

    def _plain(self, text: str) -> Piece:
        self._length += len(text)
        self._sentence += text
        return Piece(text)

    def _cut(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        return text


class _Source:
    """A passage, and its words once they are asked for."""

    def __init__(self, key: Key, source: Source) -> None:
        self.key = key
        self.source = source

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(_words(self.source.text))

    @cached_property
    def _text(self) -> str:
        return f" {' '.join(_words(self.source.text))} "

    def share(self, sentence: str) -> float:
        """Which part of the sentence's different words the passage has."""
        words = set(_words(sentence))
        return len(words & self._words) / len(words) if words else 0.0

    def is_evident(self, sentence: str) -> bool:
        """Whether the sentence evidently comes from the passage."""
        words = _words(sentence)
        runs = (words[at : at + _RUN] for at in range(len(words) - _RUN + 1))
        return (
            len(set(words)) >= _WORDS
            and self.share(sentence) >= _SHARE
            and any(f" {' '.join(run)} " in self._text for run in runs)
        )


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _may_become_marker(text: str) -> bool:
    return any(begun.fullmatch(text) for begun in (_BEGUN, _FOREIGN_BEGUN))


def _harmless(label: str) -> str:
    """A file name without what would end the marker."""
    return re.sub(r"[【】\[\]†\x00-\x1f]", "_", label)[:255]
