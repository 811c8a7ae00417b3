"""The styles of a Word file, and the numbers that Word puts in front of its paragraphs."""

import re
from collections.abc import Callable
from typing import NamedTuple

from perdure.parsing import numerals
from perdure.parsing.packages import Attributes, attribute, number

_PLACE = re.compile(r"%([1-9])")
_LEVELS = 9
# Styles are based on others; longer chains go round in a circle.
_LONGEST_CHAIN = 20
_HEADING = re.compile(r"heading ([1-9])")
_FORMATS: dict[str, Callable[[int], str]] = {
    "lowerRoman": numerals.roman,
    "upperRoman": lambda value: numerals.roman(value).upper(),
    "lowerLetter": numerals.letters,
    "upperLetter": lambda value: numerals.letters(value).upper(),
    "ordinal": numerals.ordinal,
    "decimalZero": lambda value: f"{value:02}",
    "none": lambda _: "",
}


class ListPlace(NamedTuple):
    """The list that a paragraph is an item of, and its level from 0 on."""

    list_id: str
    level: int


class _Style:
    def __init__(self) -> None:
        self.name = ""
        self.base = ""
        self.list_id: str | None = None
        self.level: int | None = None
        self.outline: int | None = None


class WordStyles:
    """Reads the part of a Word file that has its styles, and knows them."""

    def __init__(self) -> None:
        self._styles: dict[str, _Style] = {}
        self._style: _Style | None = None

    def start(self, tag: str, attributes: Attributes) -> None:
        """Reads the beginning of an element."""
        if tag == "style":
            self._style = self._styles[attribute(attributes, "styleId") or ""] = _Style()
        elif self._style is None:
            return
        elif tag == "name":
            self._style.name = (attribute(attributes, "val") or "").lower()
        elif tag == "basedOn":
            self._style.base = attribute(attributes, "val") or ""
        elif tag == "numId":
            self._style.list_id = attribute(attributes, "val")
        elif tag == "ilvl":
            self._style.level = number(attributes, "val", 0)
        elif tag == "outlineLvl":
            self._style.outline = number(attributes, "val", _LEVELS)

    def end(self, tag: str) -> None:
        """Reads the end of an element."""
        if tag == "style":
            self._style = None

    def data(self, text: str) -> None:
        """Passes over text: there is none."""

    def heading_level(self, style_id: str) -> int | None:
        """Returns the level of the headings of a style, from 0, the title; None if it has none."""
        for style in self._chain(style_id):
            if found := _HEADING.fullmatch(style.name):
                return int(found[1])
            if style.name == "title":
                return 0
            if style.outline is not None:
                return style.outline + 1 if style.outline < _LEVELS else None
        return None

    def list_place(self, style_id: str) -> tuple[str | None, int | None]:
        """Returns the list that a style puts its paragraphs into, and the level, where it does."""
        list_id: str | None = None
        level: int | None = None
        for style in self._chain(style_id):
            list_id = style.list_id if list_id is None else list_id
            level = style.level if level is None else level
        return list_id, level

    def _chain(self, style_id: str) -> list[_Style]:
        chain: list[_Style] = []
        while (style := self._styles.get(style_id)) and len(chain) < _LONGEST_CHAIN:
            chain.append(style)
            style_id = style.base
        return chain


class _Level:
    def __init__(self) -> None:
        self.start = 1
        self.format = "decimal"
        self.text = ""
        self.style = ""
        self.is_legal = False


class _List:
    """A list: the definition that it follows, and where it differs."""

    def __init__(self) -> None:
        self.definition = ""
        self.starts: dict[int, int] = {}
        self.levels: dict[int, _Level] = {}
        self.has_begun = False


class WordLists:
    """Reads the part of a Word file that defines its lists, and counts their items."""

    def __init__(self) -> None:
        self._definitions: dict[str, dict[int, _Level]] = {}
        self._lists: dict[str, _List] = {}
        # by definition: the numbers so far, level by level
        self._counts: dict[str, list[int | None]] = {}
        self._open_levels: dict[int, _Level] | None = None
        self._open_list: _List | None = None
        self._level: _Level | None = None
        self._index = 0

    def start(self, tag: str, attributes: Attributes) -> None:
        """Reads the beginning of an element."""
        value = attribute(attributes, "val") or ""
        if tag == "abstractNum":
            self._open_levels = {}
            self._definitions[attribute(attributes, "abstractNumId") or ""] = self._open_levels
        elif tag == "num":
            self._open_list = self._lists[attribute(attributes, "numId") or ""] = _List()
            self._open_levels = self._open_list.levels
        elif tag == "abstractNumId" and self._open_list:
            self._open_list.definition = value
        elif tag == "lvlOverride":
            self._index = number(attributes, "ilvl", 0)
        elif tag == "startOverride" and self._open_list:
            self._open_list.starts[self._index] = number(attributes, "val", 1)
        elif tag == "lvl" and self._open_levels is not None:
            self._level = self._open_levels[number(attributes, "ilvl", 0)] = _Level()
        elif self._level is not None:
            _read_level(self._level, tag, attributes)

    def end(self, tag: str) -> None:
        """Reads the end of an element."""
        if tag == "lvl":
            self._level = None
        elif tag in ("abstractNum", "num"):
            self._open_levels = self._open_list = None

    def data(self, text: str) -> None:
        """Passes over text: there is none."""

    def level_of_style(self, list_id: str, style_id: str) -> int | None:
        """Returns the level of a list that belongs to a style."""
        if (found := self._lists.get(list_id)) is None:
            return None
        for index, level in self._definitions.get(found.definition, {}).items():
            if level.style and level.style == style_id:
                return index
        return None

    def count(self, place: ListPlace) -> str:
        """Counts one item more. Returns what Word shows in front of it; nothing for a bullet."""
        found = self._lists.get(place.list_id)
        if found is None or not 0 <= place.level < _LEVELS:
            return ""
        levels = self._definitions.get(found.definition, {}) | found.levels
        if (level := levels.get(place.level)) is None or level.format == "bullet":
            return ""
        counts = self._counts.setdefault(found.definition, [None] * _LEVELS)
        if not found.has_begun:
            found.has_begun = True
            for index, start in found.starts.items():
                if index < _LEVELS:
                    counts[index] = start - 1
        before = counts[place.level]
        counts[place.level] = level.start if before is None else before + 1
        counts[place.level + 1 :] = [None] * (_LEVELS - place.level - 1)

        def written(match: re.Match[str]) -> str:
            index = int(match[1]) - 1
            other = levels.get(index) or _Level()
            value = counts[index]
            if value is None:
                value = counts[index] = other.start
            kind = "decimal" if level.is_legal and other.format != "none" else other.format
            return _FORMATS.get(kind, str)(value)

        return _PLACE.sub(written, level.text).strip()


def _read_level(level: _Level, tag: str, attributes: Attributes) -> None:
    value = attribute(attributes, "val") or ""
    if tag == "start":
        level.start = number(attributes, "val", 1)
    elif tag == "numFmt":
        level.format = value
    elif tag == "lvlText":
        level.text = value
    elif tag == "pStyle":
        level.style = value
    elif tag == "isLgl":
        level.is_legal = value not in ("0", "false", "off")
