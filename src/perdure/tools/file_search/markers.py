"""Markers of passages: as the model is given them, and as models write them."""

import re
from bisect import bisect_left
from collections.abc import Mapping
from typing import NamedTuple

OPENING = "【[［〖"  # noqa: RUF001
_CLOSING = "】]］〗"  # noqa: RUF001
_BRACKETS = re.escape(OPENING + _CLOSING)
# A bracket that is not closed after so many characters is text: two names are at most 510.
_LONGEST = 600
_CLOSED = re.compile(
    rf"[{re.escape(OPENING)}]([^{_BRACKETS}\n]{{0,{_LONGEST}}})[{re.escape(_CLOSING)}]"
)
_UNCLOSED = re.compile(rf"[{re.escape(OPENING)}]([^{_BRACKETS}\n]{{0,{_LONGEST}}})\Z")

_BLANKS = r"[^\S\n]{0,3}"
_COMMA = r"[,，、;；]"  # noqa: RUF001
_DAGGER = "[†‡]"
_NUMBERS = rf"(?:\d{{1,4}}{_BLANKS}[:：]{_BLANKS}\d{{1,4}})"  # noqa: RUF001
_BETWEEN = rf"(?:{_BLANKS}{_COMMA}{_BLANKS}|[^\S\n]{{1,3}})"
_PASSAGE = re.compile(
    rf"(\d{{1,4}}){_BLANKS}[:：]{_BLANKS}(\d{{1,4}})(?:{_BLANKS}{_DAGGER}(.*))?"  # noqa: RUF001
)
# Where the next passage begins. Behind its numbers there is no more of a name: `a, 4:1.txt`.
_NEXT = re.compile(
    rf"{_BETWEEN}(?={_NUMBERS}(?:{_BLANKS}(?:{_DAGGER}|{_COMMA}|\Z)|{_BETWEEN}{_NUMBERS}))"
)
# What may become a list of passages. Behind a dagger everything may be a name.
_BEGUN = re.compile(
    rf"(?:{_NUMBERS}{_BETWEEN})*"
    rf"(?:\d{{1,4}}{_BLANKS}(?:[:：]{_BLANKS}(?:\d{{1,4}}{_BLANKS}(?:{_COMMA}{_BLANKS})?)?)?)?"  # noqa: RUF001
)
_NAMED = re.compile(rf"(?:{_NUMBERS}{_BETWEEN})*{_NUMBERS}{_BLANKS}{_DAGGER}")
# The older form, that models know from their training; no passage of ours is ever called so.
_OLDER = re.compile(rf"(\d{{0,4}}){_BLANKS}{_DAGGER}(.*)")
_OLDER_BEGUN = re.compile(rf"\d{{0,4}}{_BLANKS}(?:{_DAGGER}.*)?")
_TIME = r"(?:[01]?\d|2[0-4])[:：][0-5]\d"  # noqa: RUF001
_TIMES = re.compile(rf"{_TIME}(?:{_BETWEEN}{_TIME})*")

# What else than letters and digits has an index behind it in code.
_INDEXED = re.compile(r"[_)\]}\"'`]")
# Behind a name in ASCII brackets: it is a link, or says where links lead.
_LINKED = re.compile(r"[(\[:]")


class MarkerKey(NamedTuple):
    """The numbers of a marker: of the tool output, and of the passage in it."""

    output: int
    passage: int


class WrittenMarker(NamedTuple):
    """A marker in a text: where it ends, and the passages that it names; none if it is invented."""

    end: int
    keys: tuple[MarkerKey, ...]


def marker(key: MarkerKey, label: str) -> str:
    """The marker of a passage (spec 06 §1.2)."""
    return f"【{key.output}:{key.passage}†{_harmless(label)}】"


class MarkerReader:
    """Reads the markers of a run's passages. `names` are those of their files.

    Numbers decide which passage is meant, a name only where there are none: it means the first
    passage of its file.
    """

    def __init__(self, names: Mapping[MarkerKey, str]) -> None:
        self._keys = set(names)
        self._exact = {marker(key, name): key for key, name in names.items()}
        self._outputs = {key.output for key in names}
        self._by_name: dict[str, MarkerKey] = {}
        for key, name in names.items():
            self._by_name.setdefault(_harmless(name).casefold().strip(), key)
        self._names = sorted(self._by_name)

    def needs_more(self, text: str, at: int) -> bool:
        """True if it takes more text to know whether a marker begins at this bracket."""
        if unclosed := _UNCLOSED.match(text, at):
            content = unclosed[1].strip()
            return (
                _BEGUN.fullmatch(content) is not None
                or _NAMED.match(content) is not None
                or _OLDER_BEGUN.fullmatch(content) is not None
                or self._may_name(content)
            )
        # a name may be that of a link
        closed = _CLOSED.match(text, at)
        return closed is not None and closed.end() == len(text) and self._may_link(closed)

    def read(self, text: str, at: int, *, before: str) -> WrittenMarker | None:
        """The marker that begins at this bracket; None if it is text. `before` is the character
        in front of it, if any.
        """
        found = _CLOSED.match(text, at)
        if found is None:
            return None
        if (exact := self._exact.get(found[0])) is not None:
            return WrittenMarker(found.end(), (exact,))
        content = found[1].strip()
        if keys := self._numbered(content):
            known = tuple(key for key in keys if key in self._keys)
            if found[0].isascii():
                # It may be a slice in somebody's code.
                is_text = len(known) < len(keys) or _can_be_indexed(before)
            else:
                is_text = not known and self._are_times(content, keys)
            return None if is_text else WrittenMarker(found.end(), known)
        if keys := self._named(content):
            behind = text[found.end() : found.end() + 1]
            is_text = self._may_link(found) and (
                _can_be_indexed(before) or _LINKED.match(behind) is not None
            )
            return None if is_text else WrittenMarker(found.end(), keys)
        older = _OLDER.fullmatch(content)
        is_older = older and older[1] and (older[2] or found[0].startswith("【"))
        return WrittenMarker(found.end(), ()) if is_older else None

    def _numbered(self, content: str) -> tuple[MarkerKey, ...]:
        """The passages that this names by their numbers, if it does nothing else."""
        items = [_PASSAGE.fullmatch(item) for item in _NEXT.split(content)]
        if not all(items):
            items = [_PASSAGE.fullmatch(content)]
        return tuple(dict.fromkeys(MarkerKey(int(item[1]), int(item[2])) for item in items if item))

    def _are_times(self, content: str, keys: tuple[MarkerKey, ...]) -> bool:
        """True for times of day, as titles have them in these brackets."""
        is_of_run = any(key.output in self._outputs for key in keys)
        return not is_of_run and _TIMES.fullmatch(content) is not None

    def _named(self, content: str) -> tuple[MarkerKey, ...]:
        """The passages of the files that this names, if it does nothing else."""
        older = _OLDER.fullmatch(content)
        named = (older[2] if older else re.split(_DAGGER, content, maxsplit=1)[0]).casefold()
        whole = self._by_name.get(named.strip())
        if whole is not None:
            return (whole,)
        keys = [self._by_name.get(name.strip()) for name in re.split(_COMMA, named)]
        known = tuple(dict.fromkeys(key for key in keys if key is not None))
        return () if None in keys else known

    def _may_name(self, content: str) -> bool:
        """True if this names files, or more text may make it do so."""
        head, *label = re.split(_DAGGER, content.casefold(), maxsplit=1)
        if label:
            return bool(self._named(head))
        *names, last = (name.strip() for name in re.split(_COMMA, head))
        return self._begins_name(head) or (
            all(name in self._by_name for name in names) and self._begins_name(last)
        )

    def _begins_name(self, text: str) -> bool:
        at = bisect_left(self._names, text)
        return at < len(self._names) and self._names[at].startswith(text)

    def _may_link(self, closed: re.Match[str]) -> bool:
        """True for names alone in ASCII brackets: they may be a link, or a list in code."""
        content = closed[1].strip()
        is_bare = closed[0].startswith("[") and re.search(_DAGGER, content) is None
        return is_bare and not self._numbered(content) and bool(self._named(content))


def _can_be_indexed(char: str) -> bool:
    """True if brackets right behind this character may be code. Scripts without case put no space
    before a citation, and code is hardly ever written in them.
    """
    return char.isdigit() or char.lower() != char.upper() or _INDEXED.match(char) is not None


def _harmless(label: str) -> str:
    """A file name without what would end the marker."""
    return re.sub(rf"[{_BRACKETS}†‡\x00-\x1f]", "_", label)[:255]
