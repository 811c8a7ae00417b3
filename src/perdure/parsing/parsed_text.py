"""The text of a file with marks at its headings and tables, and the writer that makes it.

A row of a table is a line, `left cell | right cell`. Every reader of documents writes through
`TextWriter`, so tables, links and headings look alike whatever the file is.
"""

import re
from typing import NamedTuple

# Without these, since PostgreSQL stores no NUL and models have no use for the others.
CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
# Nor these, which nobody sees and nobody types: a soft hyphen is where a word may break, the
# others join, part or turn what stands beside them. Joiners that change letters stay.
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_PICTURE_FILE = re.compile(r"\S+\.(?:png|jpe?g|gif|bmp|svg|emf|wmf|tiff?|webp)", re.IGNORECASE)
# Nobody nests tables so deeply; deeper ones are read as if they were none.
_DEEPEST = 8
# A cell with more characters holds a part of a page and no value: it is read as paragraphs.
_LONGEST_CELL = 2000
# The text of a cell that reaches over several rows is repeated up to this length.
_LONGEST_REPEATED = 200
# No table is wider, whatever its cells claim to span.
_MOST_COLUMNS = 1000
_LONGEST_ADDRESS = 2000
# Addresses that lead nowhere outside of the document, or that are contents.
_NO_ADDRESS = ("#", "javascript:", "data:", "about:", "blob:")


class HeadingMark(NamedTuple):
    """The place of a heading in a text: its characters, and its level from 0, the title, on."""

    start: int
    end: int
    level: int


class TableMark(NamedTuple):
    """The place of a table in a text. Up to `heading_end` is what names the columns: the first row,
    with what stands alone in the rows before it.
    """

    start: int
    heading_end: int
    end: int


class ParsedText(NamedTuple):
    """The text of a file, and where its headings and tables are, in order."""

    text: str
    headings: tuple[HeadingMark, ...] = ()
    tables: tuple[TableMark, ...] = ()


class TextTooLong(Exception):
    """The text has more characters than a text may have."""


def clean(text: str) -> str:
    """Returns a text without control characters and without what nobody sees."""
    if text.isprintable():  # most runs of text are, and have none of them
        return text
    return _UNSEEN.sub("", CONTROLS.sub("", text))


class _Flow:
    """A text that grows, with its marks: the document, or the inside of a cell."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = 0
        self.headings: list[HeadingMark] = []
        self.tables: list[TableMark] = []
        # how many line breaks the text ends with; at its beginning there need be none
        self.breaks = 2
        self.is_spaced = True

    def add(self, text: str) -> None:
        self.pieces.append(text)
        self.length += len(text)
        self.breaks = 0
        self.is_spaced = text[-1].isspace()

    def end(self, breaks: int) -> None:
        if breaks > self.breaks:
            self.pieces.append("\n" * (breaks - self.breaks))
            self.length += breaks - self.breaks
            self.breaks = breaks
            self.is_spaced = True


class _Span(NamedTuple):
    """What a cell leaves to the rows below: so many rows, and the text to repeat."""

    rows: int
    text: str


class _Table:
    """An open table."""

    def __init__(self) -> None:
        self.cell: _Flow | None = None
        self.columns = self.rows = 1
        self.row: list[_Flow | str] = []
        self.is_in_row = False
        self.spans: dict[int, _Span] = {}
        # where the lines of its rows are in the text around it
        self.start: int | None = None
        self.heading_end = 0


class TextWriter:
    """Writes the text of a document. Nothing that it is told to open or to end has to match.

    Every method that writes raises `TextTooLong` beyond so many `characters`.
    """

    def __init__(self, characters: int) -> None:
        self._left = characters
        self._document = _Flow()
        self._tables: list[_Table] = []
        # tables that are open and too deep to be read as tables
        self._ignored = 0
        self._heading: tuple[_Flow, int, int] | None = None

    def finish(self) -> ParsedText:
        """Returns all that was written."""
        while self._tables:
            self.end_table()
        document = self._document
        return ParsedText(
            "".join(document.pieces), tuple(document.headings), tuple(document.tables)
        )

    @property
    def is_spaced(self) -> bool:
        """True where white space, or nothing, stands before what is written next."""
        return self._flow.is_spaced

    def write(self, text: str) -> None:
        """Adds text as it is, without what nobody sees."""
        if text := clean(text):
            self._spend(len(text))
            self._flow.add(text)

    def end_line(self) -> None:
        """Lets the next text begin on a line of its own."""
        self._flow.end(1)

    def end_paragraph(self) -> None:
        """Lets the next text begin behind a blank line."""
        self._flow.end(2)

    def separate(self) -> None:
        """Keeps the next text apart from the last."""
        if not self._flow.is_spaced:
            self.write(" ")

    def write_address(self, address: str, text: str) -> None:
        """Adds the address that a link with this text leads to, unless the text is the address."""
        address = "".join(address.split())
        is_kept = address and len(address) <= _LONGEST_ADDRESS
        if not is_kept or address.lower().startswith(_NO_ADDRESS):
            return
        seen = text.strip().removeprefix("mailto:")
        if seen and seen.rstrip("/") in (address.rstrip("/"), address.removeprefix("mailto:")):
            return
        self.write(f"({address})" if self._flow.is_spaced else f" ({address})")

    def write_alternative(self, text: str) -> None:
        """Adds the text that stands for a picture; the name of its file says nothing."""
        text = " ".join(text.split())
        if text and not _PICTURE_FILE.fullmatch(text):
            self.separate()
            self.write(f"{text} ")

    def begin_heading(self, level: int) -> None:
        """Begins a heading on a paragraph of its own."""
        self.end_heading()
        self.end_paragraph()
        self._heading = (self._flow, self._flow.length, level)

    def end_heading(self) -> None:
        """Ends the heading, if one is open."""
        if self._heading is None:
            return
        (flow, start, level), self._heading = self._heading, None
        if flow is self._flow:
            end = flow.length - flow.breaks
            if end > start:
                flow.headings.append(HeadingMark(start, end, level))
            flow.end(2)

    def begin_table(self) -> None:
        """Begins a table, which may be inside of a cell."""
        if self._ignored or len(self._tables) == _DEEPEST:
            self._ignored += 1
        else:
            self.end_paragraph()
            self._tables.append(_Table())

    def begin_row(self) -> None:
        """Begins a row; ends the one before."""
        self.end_row()
        if self._tables and not self._ignored:
            self._tables[-1].is_in_row = True

    def begin_cell(self, *, columns: int = 1, rows: int = 1) -> None:
        """Begins a cell that reaches over so many columns and rows; ends the one before."""
        if self._ignored or not self._tables:
            self.separate()
            return
        self.end_cell()
        table = self._tables[-1]
        self._fill(table)
        table.cell = _Flow()
        table.columns, table.rows = max(columns, 1), max(rows, 1)

    def widen_cell(self, columns: int) -> None:
        """Lets the open cell reach over so many columns."""
        if self._tables and not self._ignored:
            self._tables[-1].columns = max(columns, 1)

    def end_cell(self) -> None:
        """Ends the cell, if one is open."""
        if self._ignored or not self._tables or (cell := self._tables[-1].cell) is None:
            return
        self.end_heading()
        table = self._tables[-1]
        table.cell = None
        content: _Flow | str = cell if _is_page(cell) else _line(cell)
        repeated = content if isinstance(content, str) else ""
        if len(repeated) > _LONGEST_REPEATED:
            repeated = ""
        for column in range(table.columns):
            if len(table.row) >= _MOST_COLUMNS:
                return
            if table.rows > 1:
                text = "" if column else repeated
                table.spans[len(table.row)] = _Span(table.rows - 1, text)
            table.row.append("" if column else content)

    def end_row(self) -> None:
        """Ends the row, if one is open, and writes it."""
        if self._ignored or not self._tables:
            self._flow.end(1)
            return
        self.end_cell()
        table = self._tables[-1]
        has_cells = bool(table.row)
        if not has_cells and not table.is_in_row:
            return
        self._fill(table, to_end=True)
        row, table.row, table.is_in_row = table.row, [], False
        if not has_cells:
            return
        if all(isinstance(cell, str) for cell in row):
            self._write_line(table, [cell for cell in row if isinstance(cell, str)])
        else:
            self._end_lines(table)
            self._write_page(row)

    def end_table(self) -> None:
        """Ends the table, if one is open."""
        if self._ignored:
            self._ignored -= 1
            return
        if self._tables:
            self.end_row()
            self._end_lines(self._tables.pop())
        self._flow.end(2)

    @property
    def _flow(self) -> _Flow:
        """What is written into: the innermost cell, or the document."""
        for table in reversed(self._tables):
            if table.cell is not None:
                return table.cell
        return self._document

    def _spend(self, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            raise TextTooLong

    def _fill(self, table: _Table, *, to_end: bool = False) -> None:
        """Fills the places of cells that reach down from rows above."""
        while (column := len(table.row)) < _MOST_COLUMNS:
            span = table.spans.pop(column, None)
            if span is None:
                if not to_end or not any(further > column for further in table.spans):
                    return
                span = _Span(1, "")
            self._spend(len(span.text))
            table.row.append(span.text)
            if span.rows > 1:
                table.spans[column] = _Span(span.rows - 1, span.text)

    def _write_line(self, table: _Table, cells: list[str]) -> None:
        self._spend(3 * len(cells))
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            return
        flow = self._flow
        if table.start is None:
            flow.end(2)
            table.start = flow.length
        else:
            flow.end(1)
        flow.add(" | ".join(cells))
        if not table.heading_end and sum(map(bool, cells)) > 1:
            table.heading_end = flow.length
        flow.end(1)

    def _end_lines(self, table: _Table) -> None:
        """Marks the rows that were written as lines so far."""
        flow = self._flow
        if table.start is not None and 0 < table.heading_end < flow.length - 1:
            flow.tables.append(TableMark(table.start, table.heading_end, flow.length))
        table.start, table.heading_end = None, 0

    def _write_page(self, row: list[_Flow | str]) -> None:
        """Writes the cells of a row below each other, as what they are: parts of a page."""
        flow = self._flow
        for cell in row:
            flow.end(2)
            if isinstance(cell, str):
                if cell:
                    flow.add(cell)
                continue
            at = flow.length
            flow.headings += [
                mark._replace(start=mark.start + at, end=mark.end + at) for mark in cell.headings
            ]
            flow.tables += [TableMark(*(place + at for place in mark)) for mark in cell.tables]
            if cell.length:
                flow.pieces += cell.pieces
                flow.length += cell.length
                flow.breaks, flow.is_spaced = cell.breaks, cell.is_spaced
        flow.end(2)


def _is_page(cell: _Flow) -> bool:
    return bool(cell.headings or cell.tables or cell.length > _LONGEST_CELL)


def _line(cell: _Flow) -> str:
    return " ".join("".join(cell.pieces).split())
