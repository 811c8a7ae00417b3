"""The headings and tables of texts that stand as they are: Markdown and CSV."""

import re
from collections.abc import Iterator

from perdure.parsing.parsed_text import HeadingMark, ParsedText, TableMark

_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+\S")
_UNDERLINED = re.compile(r" {0,3}=+[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
# Lines of a table that are longer than that hold no table.
_LONGEST_LINE = 10_000
# A row of a CSV file: line breaks in quotes do not end it, where the quotes do.
_CSV_ROW = re.compile(r'(?:"(?:[^"]|"")*+"|[^\n])*+')


class _Line:
    """A line of a text, and where it stands."""

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.start = start
        self.end = start + len(text)


def mark_markdown(text: str) -> ParsedText:
    """Returns a Markdown text with marks at its headings and tables."""
    reader = _MarkdownReader()
    for line in _lines(text):
        reader.read(line)
    reader.end_table()
    return ParsedText(text, tuple(reader.headings), tuple(reader.tables))


class _MarkdownReader:
    """Collects the marks of a Markdown text, line by line."""

    def __init__(self) -> None:
        self.headings: list[HeadingMark] = []
        self.tables: list[TableMark] = []
        self._previous = _Line("", 0)
        self._fence = ""
        # the start of the open table, and the end of its heading
        self._table: tuple[int, int] | None = None

    def read(self, line: _Line) -> None:
        if "|" not in line.text:
            self.end_table()
        if found := _FENCE.match(line.text):
            if not self._fence:
                self._fence = found[1]
            elif found[1].startswith(self._fence):
                self._fence = ""
        elif not self._fence and not self._table:
            self._mark(line)
        self._previous = line

    def _mark(self, line: _Line) -> None:
        above = self._previous
        if found := _HEADING.match(line.text):
            self.headings.append(HeadingMark(line.start, line.end, len(found[1])))
        elif above.text.strip() and _UNDERLINED.fullmatch(line.text):
            self.headings.append(HeadingMark(above.start, above.end, 1))
        elif "|" in above.text and _is_rule(line.text):
            self._table = (above.start, line.end)

    def end_table(self) -> None:
        if self._table is not None and self._previous.end > self._table[1]:
            self.tables.append(TableMark(*self._table, self._previous.end))
        self._table = None


def mark_rows(text: str) -> ParsedText:
    """Returns a CSV text with a mark: it is a table, whose first row names the columns."""
    start = len(text) - len(text.lstrip())
    found = _CSV_ROW.match(text, start, start + _LONGEST_LINE + 1)
    heading_end = found.end() if found else start
    if not text[heading_end:].strip() or heading_end - start > _LONGEST_LINE:
        return ParsedText(text)
    return ParsedText(text, tables=(TableMark(start, heading_end, len(text)),))


def _lines(text: str) -> Iterator[_Line]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield _Line(text[start:end], start)
        start = end + 1


def _is_rule(line: str) -> bool:
    return "-" in line and len(line) <= _LONGEST_LINE and _RULE.fullmatch(line) is not None
