"""The order of reading of a page, from the places of its words: lines, columns, tables.

A page is cut from top to bottom into bands. In a band, strips that no line crosses part columns
from each other: columns of prose are read one after the other, the cells of a table row by row.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import inf
from statistics import median

import msgspec

from perdure.parsing import bidi
from perdure.parsing.pdf_words import Box, Joint, Word

# Gaps and widths below are in heights of a line. A line may be parted at a wide gap, and where the
# file does not go on with what is behind the gap: there cells are written one by one.
_SEGMENT_GAP = 0.9
_GUTTER = 0.3
# A gap that the library took for a space and that is none: less than any font's space.
_NO_SPACE = 0.06
# At least so many times the usual pitch, and there is an empty line between two lines.
_PARAGRAPH = 1.4
_NEXT_LINE, _FAR_LINE = 1.1, 2.5
# Between glyphs that no space parts.
_GLYPH_SPACE = 0.2
# A column of prose is as broad as some words, and half of its lines fill most of it. It has to be
# broader where the file has its lines between those of others, as the cells of a table.
_PROSE_WIDTH, _SURE_PROSE_WIDTH = 7.0, 12.0
_FILLED, _FILLED_SHARE = 0.75, 0.5
_FEWEST_LINES = 2
# How far the numbers of two words are apart that follow each other; a space may be between.
_NEXT = 2
# Rows of more parts are no rows of columns: looking for strips would take too long.
_MOST_COLUMNS = 50
# Scripts without spaces; a line that fills its column goes on in the next without one.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


class _Segment(msgspec.Struct, frozen=True):
    """Words of a line with no wide gap between them."""

    words: list[Word]
    box: Box
    height: float

    @classmethod
    def of(cls, words: list[Word]) -> "_Segment":
        """The segment of words that stand from left to right."""
        boxes = [word.box for word in words]
        box = Box(
            boxes[0].left,
            min(each.bottom for each in boxes),
            max(each.right for each in boxes),
            max(each.top for each in boxes),
        )
        return cls(words, box, max(each.top - each.bottom for each in boxes))


_Row = list[_Segment]
_Gap = tuple[float, float]


def page_text(words: Sequence[Word]) -> str:
    """The text of a page: the direction that most of it has first, then what is turned."""
    directions: dict[int, list[Word]] = defaultdict(list)
    for word in words:
        directions[word.turns].append(word)
    ordered = sorted(directions.values(), key=lambda each: -sum(len(word.text) for word in each))
    texts = (_Direction(each).text() for each in ordered)
    return bidi.shaped_back("\n\n".join(filter(None, texts)))


class _Line(msgspec.Struct, frozen=True):
    """A line of the text; `full` if it goes as far to the right as the others."""

    text: str
    full: bool = False


class _Direction:
    """The words of a page that have one direction."""

    def __init__(self, words: list[Word]) -> None:
        self._rows = [_segments(row) for row in _rows(words)]
        self._from_right = bidi.is_right_to_left("".join(word.text for word in words))
        pitches = sorted(
            above[0].box.middle - below[0].box.middle for above, below in pairwise(self._rows)
        )
        # of a page with more gaps than lines of prose, too, it is the pitch of prose
        self._pitch = pitches[len(pitches) // 4] if pitches else 0.0
        self._space = space_from(
            gap for row in self._rows for segment in row for gap in _guessed_gaps(segment.words)
        )

    def text(self) -> str:
        pieces: list[str] = []
        before = _Line("")
        for line in self._lines(self._rows):
            goes_on = before.full and _UNSPACED.match(before.text[-1:])
            if not (goes_on and _UNSPACED.match(line.text)):
                pieces.append("\n")
            pieces.append(line.text)
            before = line
        return "".join(pieces).strip()

    def _lines(self, rows: list[_Row]) -> Iterator[_Line]:
        above: _Segment | None = None
        right = max(row[-1].box.right for row in rows)
        for band, gutters in _bands(rows):
            if above is not None and self._apart(above, band[0][0]):
                yield _Line("")
            if columns := _columns(band, gutters):
                for number, column in enumerate(columns[:: -1 if self._from_right else 1]):
                    if number:
                        yield _Line("")
                    yield from self._lines(column)
                above = band[-1][0]
                continue
            for number, cells in enumerate(_table_rows(band, gutters)):
                row = cells[-1]
                if number and above is not None and self._apart(above, cells[0][0]):
                    yield _Line("")
                if len(cells) > 1:
                    yield _Line(self._cells_text(cells, gutters))
                else:
                    yield _Line(self._row_text(row), row[-1].box.right > right - row[-1].height)
                above = row[0]

    def _apart(self, above: _Segment, below: _Segment) -> bool:
        distance = above.box.middle - below.box.middle
        height = max(above.height, below.height)
        usual = max(_PARAGRAPH * self._pitch, _NEXT_LINE * height)
        return distance > min(usual, _FAR_LINE * height)

    def _cells_text(self, rows: list[_Row], gutters: list[_Gap]) -> str:
        columns = _split(rows, gutters)[:: -1 if self._from_right else 1]
        return " ".join(self._row_text(part) for column in columns for part in column)

    def _row_text(self, row: _Row) -> str:
        words = [word for segment in row for word in segment.words]
        if any(word.joint is Joint.PLACE for word in words):
            return _glyphs_text(words)
        return " ".join(self._segment_text(segment) for segment in row)

    def _segment_text(self, segment: _Segment) -> str:
        pieces: list[str] = []
        before: Word | None = None
        for word in segment.words:
            if before is not None and self._spaced(before, word):
                pieces.append(" ")
            pieces.append(word.text)
            before = word
        return "".join(pieces)

    def _spaced(self, before: Word, word: Word) -> bool:
        if word.joint is Joint.SPACE:
            return True
        gap = _gap(before, word)
        return gap > (self._space if word.joint is Joint.GUESS and word.invisible else _NO_SPACE)


def _glyphs_text(words: list[Word]) -> str:
    """The text of a line that is known by its glyphs."""
    glyphs: list[str] = []
    before: Word | None = None
    for word in sorted(words, key=_place):
        if (
            before is not None
            and not before.text.isspace()
            and not word.text.isspace()
            and _gap(before, word) > _GLYPH_SPACE
        ):
            glyphs.append(" ")
        glyphs.append(word.text)
        before = word
    return bidi.logical(glyphs).strip()


def _place(word: Word) -> tuple[float, int]:
    # the characters of one glyph have one place
    order = -word.order if bidi.has_right_to_left(word.text) else word.order
    return round(word.box.left, 2), order


def _rows(words: Iterable[Word]) -> list[list[Word]]:
    """The words in rows from top to bottom, each from left to right."""
    rows: list[list[Word]] = []
    tallest: list[Box] = []
    for word in sorted(words, key=lambda word: -word.box.middle):
        # a raised figure may come before the line that it belongs to
        last = range(len(rows) - 1, max(len(rows) - 4, -1), -1)
        at = next((number for number in last if word.box.beside(tallest[number])), None)
        if at is None:
            rows.append([word])
            tallest.append(word.box)
            continue
        rows[at].append(word)
        if word.box.height > tallest[at].height:
            tallest[at] = word.box
    for row in rows:
        row.sort(key=lambda word: word.box.left)
    return rows


def _segments(row: list[Word]) -> _Row:
    parts: list[list[Word]] = [[row[0]]]
    for word in row[1:]:
        before = parts[-1][-1]
        follows = 0 < word.order - before.order <= _NEXT
        if _gap(before, word) > (_SEGMENT_GAP if follows else _GUTTER):
            parts.append([])
        parts[-1].append(word)
    return [_Segment.of(part) for part in parts]


def _gap(before: Word, word: Word) -> float:
    height = max(before.box.height, word.box.height) or 1.0
    return (word.box.left - before.box.right) / height


def _guessed_gaps(words: list[Word]) -> Iterator[float]:
    for before, word in pairwise(words):
        if word.invisible and word.joint is Joint.GUESS:
            yield _gap(before, word)


def space_from(gaps: Iterable[float]) -> float:
    """From which gap on there is a space, in a layer of OCR.

    There the glyphs stand where they are in a picture, so there are gaps within words as well. If
    the gaps fall into two clear groups, the narrower ones are within words.
    """
    found = sorted(max(gap, 0.0) for gap in gaps)
    best, at = 0.0, 0
    below, total = 0.0, sum(found)
    for number, gap in enumerate(found[:-1], 1):
        below += gap
        means = below / number, (total - below) / (len(found) - number)
        apart = number * (len(found) - number) * (means[1] - means[0]) ** 2
        if apart > best and means[0] < min(means[1] / 2, 0.3):
            best, at = apart, number
    return (found[at - 1] + found[at]) / 2 if at else _NO_SPACE


def _bands(rows: list[_Row]) -> Iterator[tuple[list[_Row], list[_Gap]]]:
    """Rows that follow each other and share strips that none of them crosses, with those strips;
    and single rows, which have none.
    """
    at = 0
    for seed, row in enumerate(rows):
        gutters = _inner_gaps(row)
        if seed < at or not gutters:
            continue
        start, end = seed, seed + 1
        while end < len(rows) and (shared := _shared(gutters, rows[end])):
            gutters, end = shared, end + 1
        # a column may begin above the others
        while start > at and (shared := _shared(gutters, rows[start - 1])):
            gutters, start = shared, start - 1
        for each in rows[at:start]:
            yield [each], []
        yield rows[start:end], gutters
        at = end
    for each in rows[at:]:
        yield [each], []


def _inner_gaps(row: _Row) -> list[_Gap]:
    if len(row) > _MOST_COLUMNS:
        return []
    return [
        (left.box.right, right.box.left)
        for left, right in pairwise(row)
        if right.box.left - left.box.right >= _GUTTER * min(left.height, right.height)
    ]


def _shared(gutters: list[_Gap], row: _Row) -> list[_Gap]:
    """What is left of the strips where the row does not cross them."""
    edges = [-inf, *(edge for each in row for edge in (each.box.left, each.box.right)), inf]
    height = min(each.height for each in row)
    found = []
    for left, right in gutters:
        for free_from, free_to in zip(edges[::2], edges[1::2], strict=True):
            low, high = max(left, free_from), min(right, free_to)
            if high - low >= _GUTTER * height:
                found.append((low, high))
                break
    return found


def _split(band: list[_Row], gutters: list[_Gap]) -> list[list[_Row]]:
    """The rows of each column; a column has no row where there is nothing in it."""
    columns: list[list[_Row]] = [[] for _ in range(len(gutters) + 1)]
    for row in band:
        parts: list[_Row] = [[] for _ in columns]
        for segment in row:
            parts[sum(segment.box.left >= high for _, high in gutters)].append(segment)
        for column, part in zip(columns, parts, strict=True):
            if part:
                column.append(part)
    return columns


def _columns(band: list[_Row], gutters: list[_Gap]) -> list[list[_Row]] | None:
    """The rows of each column of prose, or None where the band is a table, or a single row."""
    columns = _split(band, gutters)
    width = _PROSE_WIDTH if _one_after_the_other(columns) else _SURE_PROSE_WIDTH
    if len(band) < _FEWEST_LINES or not all(_is_prose(column, width) for column in columns):
        return None
    return columns


def _is_prose(column: list[_Row], least: float) -> bool:
    if len(column) < _FEWEST_LINES:
        return False
    widths = [row[-1].box.right - row[0].box.left for row in column]
    height = median(row[0].height for row in column)
    filled = sum(width >= _FILLED * max(widths) for width in widths)
    return max(widths) >= least * height and filled >= _FILLED_SHARE * len(widths)


def _one_after_the_other(columns: list[list[_Row]]) -> bool:
    """True if the file has all of a column before it has anything of another."""
    spans = sorted(
        (min(_first(part) for part in column), max(_last(part) for part in column))
        for column in columns
        if column
    )
    return all(before[1] < after[0] for before, after in pairwise(spans))


def _first(part: _Row) -> int:
    return min(word.order for segment in part for word in segment.words)


def _last(part: _Row) -> int:
    return max(word.order for segment in part for word in segment.words)


def _table_rows(band: list[_Row], gutters: list[_Gap]) -> Iterator[list[_Row]]:
    """The rows of a table, each with the lines of its cells.

    Lines of a column that follow each other in the file, too, are of one cell.
    """
    begins = [True] * len(band)
    columns = _split(band, gutters)
    if not _one_after_the_other(columns):
        number_of = {id(segment): number for number, row in enumerate(band) for segment in row}
        for column in columns:
            for above, below in pairwise(column):
                if 0 < _first(below) - _last(above) <= _NEXT:
                    for number in range(number_of[id(above[0])] + 1, number_of[id(below[0])] + 1):
                        begins[number] = False
    starts = [number for number, begin in enumerate(begins) if begin]
    for start, end in pairwise([*starts, len(band)]):
        yield band[start:end]
