"""The text of a PowerPoint file: titles, texts, tables, charts and notes, slide by slide.

Read here and not by the library, which puts a blank between two runs of one word.
"""

import re
from collections.abc import Callable
from typing import BinaryIO

from perdure.parsing import numerals
from perdure.parsing.drawings import write_drawing
from perdure.parsing.limits import ParsingLimits
from perdure.parsing.packages import (
    Attributes,
    DamagedFile,
    Package,
    Relation,
    number,
    open_package,
    relation_id,
)
from perdure.parsing.parsed_text import TextWriter

_PRESENTATION = re.compile(r"ppt/presentation\d*\.xml")
_TITLES = frozenset({"title", "ctrTitle"})
# The number of the slide says nothing to who reads the text.
_UNREAD_PLACEHOLDERS = frozenset({"sldNum"})
_NOTES_PLACEHOLDERS = frozenset({"body"})
_LONGEST_NOTED = 2000


def write_presentation(file: BinaryIO, writer: TextWriter, limits: ParsingLimits) -> None:
    """Writes the text of a PowerPoint file. Raises `DamagedFile` or `BloatedFile`."""
    with open_package(file, limits) as package:
        main = [name for name in package.names if _PRESENTATION.fullmatch(name)]
        if not main:
            raise DamagedFile
        relations = package.relations(main[0])
        order = _Order()
        package.read_xml(main[0], order)
        for slide_id in order.ids:
            slide = relations.get(slide_id)
            if slide is not None and slide.target in package.names:
                _write_slide(package, slide.target, writer)


def _write_slide(package: Package, name: str, writer: TextWriter) -> None:
    relations = package.relations(name)
    package.read_xml(name, _Shapes(package, relations, writer))
    writer.end_heading()
    writer.end_paragraph()
    for relation in relations.values():
        if relation.kind != "notesSlide" or relation.target not in package.names:
            continue
        # its own budget ends where the document's does: what is written there is written again
        notes = TextWriter(package.limits.characters)
        links = package.relations(relation.target)
        package.read_xml(relation.target, _Shapes(package, links, notes, is_notes=True))
        if text := notes.finish().text.strip():
            writer.write(f"Notes:\n\n{text}")
            writer.end_paragraph()


class _Order:
    """Collects the slides in their order."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "sldId":
            self.ids.append(relation_id(attributes))

    def end(self, tag: str) -> None:
        pass

    def data(self, text: str) -> None:
        pass


class _Paragraph:
    """An open paragraph, with the list that it is an item of."""

    def __init__(self) -> None:
        self.level = 0
        self.numbers = ""
        self.first = 1
        self.has_begun = False


class _Shapes:
    """Reads a slide, or of the page with its notes only the notes."""

    def __init__(
        self,
        package: Package,
        relations: dict[str, Relation],
        writer: TextWriter,
        *,
        is_notes: bool = False,
    ) -> None:
        self._package = package
        self._relations = relations
        self._writer = writer
        self._is_notes = is_notes
        self._placeholder = ""
        self._fallbacks = 0
        self._in_text = self._is_slide_number = False
        self._paragraph = _Paragraph()
        # by level: the numbering of the list, and the number of its last item
        self._counts: dict[int, tuple[str, int]] = {}
        # the address of the run, the text since it began
        self._address = ""
        self._text = ""
        run, shape = self._start_run, self._start_shape
        self._starts: dict[str, Callable[[str, Attributes], None]] = {
            **dict.fromkeys(("sp", "graphicFrame", "pic"), shape),
            "ph": self._read_placeholder,
            "cNvPr": self._write_alternative,
            "txBody": self._start_body,
            "tbl": lambda _tag, _attributes: writer.begin_table(),
            "tr": lambda _tag, _attributes: writer.begin_row(),
            "tc": self._start_cell,
            "p": self._start_paragraph,
            "pPr": self._read_level,
            "buAutoNum": self._read_numbers,
            "r": run,
            "fld": run,
            "hlinkClick": self._read_address,
            "t": self._start_text,
            "br": lambda _tag, _attributes: self._write("\n"),
            **dict.fromkeys(("chart", "relIds"), self._write_drawing),
        }
        self._ends: dict[str, Callable[[], None]] = {
            **dict.fromkeys(("sp", "graphicFrame", "pic"), writer.end_paragraph),
            "txBody": writer.end_heading,
            "tbl": writer.end_table,
            "tr": writer.end_row,
            "tc": writer.end_cell,
            "p": writer.end_line,
            "r": self._end_run,
            "fld": self._end_run,
            "t": self._end_text,
        }

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "Fallback":
            self._fallbacks += 1
        elif not self._fallbacks and (read := self._starts.get(tag)):
            read(tag, attributes)

    def end(self, tag: str) -> None:
        if tag == "Fallback":
            self._fallbacks -= 1
        elif not self._fallbacks and (read := self._ends.get(tag)):
            read()

    def data(self, text: str) -> None:
        if self._in_text and not self._fallbacks:
            self._write(text)

    def _write(self, text: str) -> None:
        unread = self._placeholder in _UNREAD_PLACEHOLDERS
        if unread or (self._is_notes and self._placeholder not in _NOTES_PLACEHOLDERS):
            return
        if not self._paragraph.has_begun and not text.isspace():
            self._paragraph.has_begun = True
            self._writer.write(self._label(self._paragraph))
        self._writer.write(text)
        if len(self._text) < _LONGEST_NOTED:
            self._text += text

    def _start_shape(self, _tag: str, _attributes: Attributes) -> None:
        self._placeholder = ""
        self._writer.end_paragraph()

    def _read_placeholder(self, _tag: str, attributes: Attributes) -> None:
        self._placeholder = attributes.get("type", "body")

    def _write_alternative(self, _tag: str, attributes: Attributes) -> None:
        if not self._is_notes:
            self._writer.write_alternative(attributes.get("descr", ""))

    def _start_body(self, _tag: str, _attributes: Attributes) -> None:
        self._counts.clear()
        if self._placeholder in _TITLES:
            self._writer.begin_heading(1)

    def _start_cell(self, _tag: str, _attributes: Attributes) -> None:
        self._counts.clear()
        self._writer.begin_cell()

    def _start_paragraph(self, _tag: str, _attributes: Attributes) -> None:
        self._paragraph = _Paragraph()

    def _read_level(self, _tag: str, attributes: Attributes) -> None:
        self._paragraph.level = number(attributes, "lvl", 0)

    def _read_numbers(self, _tag: str, attributes: Attributes) -> None:
        self._paragraph.numbers = attributes.get("type", "")
        self._paragraph.first = number(attributes, "startAt", 1)

    def _start_run(self, _tag: str, attributes: Attributes) -> None:
        self._address = self._text = ""
        self._is_slide_number = attributes.get("type") == "slidenum"

    def _end_run(self) -> None:
        self._is_slide_number = False
        if self._address:
            self._writer.write_address(self._address, self._text)
            self._address = ""

    def _read_address(self, _tag: str, attributes: Attributes) -> None:
        relation = self._relations.get(relation_id(attributes))
        self._address = relation.target if relation and relation.is_external else ""

    def _start_text(self, _tag: str, _attributes: Attributes) -> None:
        self._in_text = not self._is_slide_number

    def _end_text(self) -> None:
        self._in_text = False

    def _write_drawing(self, tag: str, attributes: Attributes) -> None:
        write_drawing(
            tag,
            attributes,
            package=self._package,
            relations=self._relations,
            writer=self._writer,
        )

    def _label(self, paragraph: _Paragraph) -> str:
        """Counts the paragraph; what PowerPoint shows in front of it."""
        self._counts = {
            level: count for level, count in self._counts.items() if level <= paragraph.level
        }
        if not paragraph.numbers:
            self._counts.pop(paragraph.level, None)
            return ""
        kind, last = self._counts.get(paragraph.level, ("", 0))
        count = last + 1 if kind == paragraph.numbers else paragraph.first
        self._counts[paragraph.level] = (paragraph.numbers, count)
        return f"{_numbered(paragraph.numbers, count)} "


def _numbered(kind: str, count: int) -> str:
    """Returns a number as PowerPoint writes it: `romanUcParenBoth` gives (IV)."""
    if kind.startswith("roman"):
        written = numerals.roman(count)
    elif kind.startswith("alpha"):
        written = numerals.letters(count)
    else:
        written = str(count)
    if kind.startswith(("romanUc", "alphaUc")):
        written = written.upper()
    if kind.endswith("ParenBoth"):
        return f"({written})"
    return f"{written})" if kind.endswith("ParenR") else f"{written}."
