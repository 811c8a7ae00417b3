"""The text of an OpenDocument text. Read here and not by the library, which glues words together
where blanks or paragraphs of a cell part them.
"""

import re
from collections.abc import Callable
from typing import BinaryIO

from perdure.parsing.limits import ParsingLimits
from perdure.parsing.packages import (
    Attributes,
    DamagedFile,
    attribute,
    number,
    open_package,
)
from perdure.parsing.parsed_text import TextWriter

_CONTENT = "content.xml"
# What was deleted, and what is not the text: definitions of fields, the form of lists, comments.
_PASSED_OVER = frozenset({"tracked-changes", "annotation", "sequence-decls", "variable-decls"})
_SPACE = re.compile(r"[ \t\r\n]+")
_MOST_BLANKS = 1000
_LONGEST_NOTED = 2000


def write_text(file: BinaryIO, writer: TextWriter, limits: ParsingLimits) -> None:
    """Writes the text of an OpenDocument text. Raises `DamagedFile` or `BloatedFile`."""
    with open_package(file, limits) as package:
        if _CONTENT not in package.names:
            raise DamagedFile
        body = _Body(writer)
        package.read_xml(_CONTENT, body)
        body.write_notes()


class _Body:
    """Reads the content. Notes are kept until its end."""

    def __init__(self, writer: TextWriter) -> None:
        self._writer = writer
        self._passed_over = 0
        # inside of how many paragraphs, and of how many notes
        self._paragraphs = self._notes = 0
        self._note_texts: list[str] = []
        self._address = ""
        self._link_text = ""
        paragraph = self._start_paragraph
        self._starts: dict[str, Callable[[str, Attributes], None]] = {
            "h": paragraph,
            "p": paragraph,
            "s": lambda _tag, attributes: self._write(
                " " * min(number(attributes, "c", 1), _MOST_BLANKS)
            ),
            "tab": lambda _tag, _attributes: self._write("\t"),
            "line-break": lambda _tag, _attributes: self._write("\n"),
            "a": self._start_link,
            "note": self._start_note,
            "table": lambda _tag, _attributes: writer.begin_table(),
            "table-row": lambda _tag, _attributes: writer.begin_row(),
            "table-cell": self._start_cell,
            # a place that a wide or high cell reaches over
            "covered-table-cell": self._start_cell,
        }
        self._ends: dict[str, Callable[[], None]] = {
            "h": self._end_heading,
            "p": self._end_paragraph,
            "a": self._end_link,
            "note": self._end_note,
            "table": writer.end_table,
            "table-row": writer.end_row,
            "table-cell": writer.end_cell,
            "covered-table-cell": writer.end_cell,
        }

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag in _PASSED_OVER:
            self._passed_over += 1
        elif not self._passed_over and (read := self._starts.get(tag)):
            read(tag, attributes)

    def end(self, tag: str) -> None:
        if tag in _PASSED_OVER:
            self._passed_over -= 1
        elif not self._passed_over and (read := self._ends.get(tag)):
            read()

    def data(self, text: str) -> None:
        # outside of paragraphs is nothing that is seen; inside, white space is a blank
        if self._paragraphs and not self._passed_over:
            self._write(_SPACE.sub(" ", text))

    def _write(self, text: str) -> None:
        if self._notes:
            self._note_texts.append(text)
            return
        self._writer.write(text)
        if len(self._link_text) < _LONGEST_NOTED:
            self._link_text += text

    def write_notes(self) -> None:
        """Writes the notes, a paragraph for each."""
        self._writer.end_paragraph()
        self._writer.write("".join(self._note_texts))

    def _start_paragraph(self, tag: str, attributes: Attributes) -> None:
        self._paragraphs += 1
        if tag == "h" and not self._notes:
            self._writer.begin_heading(number(attributes, "outline-level", 1))

    def _end_heading(self) -> None:
        self._paragraphs -= 1
        if not self._notes:
            self._writer.end_heading()

    def _end_paragraph(self) -> None:
        self._paragraphs -= 1
        if self._notes:
            self._note_texts.append("\n\n")
        else:
            self._writer.end_paragraph()

    def _start_link(self, _tag: str, attributes: Attributes) -> None:
        self._address, self._link_text = attribute(attributes, "href") or "", ""

    def _end_link(self) -> None:
        if not self._notes:
            self._writer.write_address(self._address, self._link_text)

    def _start_note(self, _tag: str, _attributes: Attributes) -> None:
        self._notes += 1

    def _end_note(self) -> None:
        self._notes -= 1

    def _start_cell(self, _tag: str, attributes: Attributes) -> None:
        self._writer.begin_cell(columns=number(attributes, "number-columns-repeated", 1))
