"""Headings of chunks: what a chunk repeats from earlier in its text, namely the headings above it
and, where it begins inside of a table, the row that names the columns.
"""

from bisect import bisect_left
from collections.abc import Callable
from functools import lru_cache

from perdure.parsing.parsed_text import ParsedText
from perdure.vocabulary import count

# Longer headings are paragraphs that look like one.
_LONGEST_HEADING = 200
_MOST_HEADINGS = 6
# A row of names is not looked at beyond so many characters for each token that there is room for.
_CHARACTERS_PER_TOKEN = 8


def heading_finder(parsed: ParsedText, max_tokens: int) -> Callable[[int], str]:
    """Returns the function that gives the heading of a chunk of `parsed` by its start, of at most a
    quarter of `max_tokens`. Where not all of it fits, the innermost is kept.
    """
    starts = [mark.start for mark in parsed.headings]
    parents = _parents([mark.level for mark in parsed.headings])
    tables = [mark.start for mark in parsed.tables]
    room = max_tokens // 4

    @lru_cache(maxsize=1)
    def written(heading: int, table: int) -> str:
        lines = _titles(parsed, parents, heading)
        if table >= 0:
            mark = parsed.tables[table]
            lines.append(parsed.text[mark.start : mark.heading_end].strip())
        return _fitting(lines, room)

    def heading_at(start: int) -> str:
        table = bisect_left(tables, start) - 1
        if table >= 0 and not _is_among_rows(parsed, table, start):
            table = -1
        return written(bisect_left(starts, start) - 1, table)

    return heading_at


def _is_among_rows(parsed: ParsedText, table: int, start: int) -> bool:
    return parsed.tables[table].heading_end < start < parsed.tables[table].end


def _parents(levels: list[int]) -> list[int]:
    """Returns for each heading the one that it stands below, or -1."""
    parents = []
    above: list[int] = []
    for place, level in enumerate(levels):
        while above and levels[above[-1]] >= level:
            above.pop()
        parents.append(above[-1] if above else -1)
        above.append(place)
    return parents


def _titles(parsed: ParsedText, parents: list[int], heading: int) -> list[str]:
    """Returns the headings above a place, from the outermost to the innermost."""
    titles: list[str] = []
    while heading >= 0 and len(titles) < _MOST_HEADINGS:
        mark = parsed.headings[heading]
        title = " ".join(parsed.text[mark.start : mark.end].strip("#= \t").split())
        if 0 < len(title) <= _LONGEST_HEADING and title not in titles[-1:]:
            titles.append(title)
        heading = parents[heading]
    return titles[::-1]


def _fitting(lines: list[str], room: int) -> str:
    """Returns as many of the last lines as there is room for."""
    found = ""
    for line in reversed(lines):
        longer = f"{line}\n{found}" if found else line
        # the line breaks that come behind may be a token
        if len(longer) > room * _CHARACTERS_PER_TOKEN or count(longer) >= room:
            break
        found = longer
    return found
