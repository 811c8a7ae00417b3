"""The text of a Word file: paragraphs with their numbers, tables, text boxes, charts, footnotes.

What was deleted or moved away, what is hidden and the codes of fields are not read. Read here and
not by the library, which drops tabs, `&`, `<` and `>`.
"""

import re
from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO

from perdure.parsing import encodings, html, library
from perdure.parsing.drawings import write_drawing
from perdure.parsing.limits import ParsingLimits
from perdure.parsing.packages import (
    Attributes,
    DamagedFile,
    Package,
    Relation,
    attribute,
    is_on,
    number,
    open_package,
    relation_id,
)
from perdure.parsing.parsed_text import TextWriter
from perdure.parsing.word_styles import ListPlace, WordLists, WordStyles

# The document itself, which comes first, and what it refers to.
_PARTS = (
    re.compile(r"word/document\d*\.xml"),
    re.compile(r"word/footnotes\.xml"),
    re.compile(r"word/endnotes\.xml"),
)
_INSTEAD = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
# What is deleted, moved away, or was so before a change, and what old programs show instead.
_PASSED_OVER = frozenset(
    "del moveFrom Fallback pPrChange rPrChange tblPrChange tcPrChange trPrChange"  # noqa: SIM905
    " sectPrChange numberingChange".split()
)
_ADDRESS = re.compile(r'\s*HYPERLINK\s+(?:\\[a-z]\s+)*"?([^"\s]+)"?', re.IGNORECASE)
# No instruction of a field is longer, and no text of a link needs to be known further.
_LONGEST_NOTED = 2000
_DEEPEST_EMBEDDED = 3


class UnreadablePart(DamagedFile):
    """The file has a document inside of a kind that is not read."""


def write_document(
    file: BinaryIO, writer: TextWriter, limits: ParsingLimits, *, depth: int = 0
) -> None:
    """Writes the text of a Word file. Raises `DamagedFile` or `BloatedFile`."""
    with open_package(file, limits) as package:
        parts = [name for part in _PARTS for name in sorted(package.names) if part.fullmatch(name)]
        if not parts or not _PARTS[0].fullmatch(parts[0]):
            raise DamagedFile
        styles, lists = WordStyles(), WordLists()
        for name, reader in (("word/styles.xml", styles), ("word/numbering.xml", lists)):
            if name in package.names:
                package.read_xml(name, reader)
        for name in parts:
            body = _Body(package, package.relations(name), styles, lists, writer, depth)
            package.read_xml(name, body)
            writer.end_paragraph()


class _Paragraph:
    """An open paragraph: what its properties say, and whether its text has begun."""

    def __init__(self) -> None:
        self.style = ""
        self.list_id: str | None = None
        self.level: int | None = None
        self.outline: int | None = None
        self.has_begun = False
        self.is_heading = False


class _Field:
    """An open field: its code, and whether that has ended and the result begun."""

    def __init__(self, *, is_hidden: bool) -> None:
        self.is_hidden = is_hidden
        self.code = ""
        self.is_result = False
        self.text = ""


class _Link:
    """An open link with its text so far."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.text = ""


class _Body:
    """Reads a part of a Word file that has text."""

    def __init__(
        self,
        package: Package,
        relations: dict[str, Relation],
        styles: WordStyles,
        lists: WordLists,
        writer: TextWriter,
        depth: int,
    ) -> None:
        self._package = package
        self._relations = relations
        self._styles = styles
        self._lists = lists
        self._writer = writer
        self._depth = depth
        # inside of how many elements that are passed over
        self._passed_over = 0
        self._in_text = self._in_run = self._is_hidden = self._in_code = False
        # a text box has paragraphs inside of a paragraph
        self._paragraphs: list[_Paragraph] = []
        self._fields: list[_Field] = []
        self._links: list[_Link] = []
        in_table = self._start_in_table
        self._starts: dict[str, Callable[[str, Attributes], None]] = {
            "t": self._start_text,
            "r": self._start_run,
            "p": lambda _tag, _attributes: self._paragraphs.append(_Paragraph()),
            "vanish": self._hide,
            "docPr": self._write_alternative,
            "altChunk": self._embed,
            "fldChar": self._read_field,
            "instrText": self._start_code,
            "hyperlink": self._start_link,
            **dict.fromkeys(_INSTEAD, self._write_instead),
            **dict.fromkeys(("tbl", "tr", "tc", "gridSpan", "gridBefore"), in_table),
            **dict.fromkeys(("chart", "relIds"), self._write_drawing),
        }
        self._ends: dict[str, Callable[[], None]] = {
            "t": self._end_text,
            "r": self._end_run,
            "p": self._end_paragraph,
            "instrText": self._end_code,
            "hyperlink": self._end_link,
            "tc": writer.end_cell,
            "tr": writer.end_row,
            "tbl": writer.end_table,
        }

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag in _PASSED_OVER:
            self._passed_over += 1
        elif self._passed_over:
            return
        elif read := self._starts.get(tag):
            read(tag, attributes)
        elif self._paragraphs:
            _read_property(self._paragraphs[-1], tag, attributes)

    def end(self, tag: str) -> None:
        if tag in _PASSED_OVER:
            self._passed_over -= 1
        elif not self._passed_over and (read := self._ends.get(tag)):
            read()

    def data(self, text: str) -> None:
        if self._passed_over:
            return
        if self._in_text:
            self._write(text)
        elif self._in_code and self._fields and len(self._fields[-1].code) < _LONGEST_NOTED:
            self._fields[-1].code += text

    def _write(self, text: str) -> None:
        if self._is_hidden or self._is_in_code():
            return
        self._begin_text()
        self._writer.write(text)
        if self._fields and len(self._fields[-1].text) < _LONGEST_NOTED:
            self._fields[-1].text += text
        if self._links and len(self._links[-1].text) < _LONGEST_NOTED:
            self._links[-1].text += text

    def _start_text(self, _tag: str, _attributes: Attributes) -> None:
        self._in_text = True

    def _end_text(self) -> None:
        self._in_text = False

    def _start_run(self, _tag: str, _attributes: Attributes) -> None:
        self._in_run, self._in_text, self._is_hidden = True, False, False

    def _end_run(self) -> None:
        self._in_run = self._in_text = False

    def _hide(self, _tag: str, attributes: Attributes) -> None:
        self._is_hidden = self._in_run and is_on(attributes)

    def _write_instead(self, tag: str, _attributes: Attributes) -> None:
        if self._in_run:  # elsewhere, a tab is the place of one
            self._write(_INSTEAD[tag])

    def _write_alternative(self, _tag: str, attributes: Attributes) -> None:
        if text := attribute(attributes, "descr"):
            self._begin_text()
            self._writer.write_alternative(text)

    def _write_drawing(self, tag: str, attributes: Attributes) -> None:
        write_drawing(
            tag,
            attributes,
            package=self._package,
            relations=self._relations,
            writer=self._writer,
        )

    def _begin_text(self) -> None:
        """Begins the text of the paragraph: with its number, and as a heading if it is one."""
        if not self._paragraphs or self._paragraphs[-1].has_begun:
            return
        paragraph = self._paragraphs[-1]
        paragraph.has_begun = True
        level = self._styles.heading_level(paragraph.style)
        if paragraph.outline is not None:
            level = paragraph.outline
        if level is not None:
            self._writer.begin_heading(level)
            paragraph.is_heading = True
        if label := self._label(paragraph):
            self._writer.write(f"{label} ")

    def _label(self, paragraph: _Paragraph) -> str:
        of_style, level = self._styles.list_place(paragraph.style)
        list_id = paragraph.list_id if paragraph.list_id is not None else of_style
        if list_id is None:
            return ""
        if paragraph.level is not None:
            level = paragraph.level
        if level is None:
            level = self._lists.level_of_style(list_id, paragraph.style)
        return self._lists.count(ListPlace(list_id, level or 0))

    def _end_paragraph(self) -> None:
        if not self._paragraphs:
            return
        paragraph = self._paragraphs.pop()
        if not paragraph.has_begun:
            self._label(paragraph)  # Word counts it
        if paragraph.is_heading:
            self._writer.end_heading()
        self._writer.end_paragraph()
        if not self._paragraphs:
            for field in self._fields:  # one whose code never ends hides no other paragraph
                field.is_result, field.is_hidden = True, False

    def _start_in_table(self, tag: str, attributes: Attributes) -> None:
        if tag == "tbl":
            self._writer.begin_table()
        elif tag == "tr":
            self._writer.begin_row()
        elif tag == "tc":
            self._writer.begin_cell()
        elif tag == "gridSpan":
            self._writer.widen_cell(number(attributes, "val", 1))
        elif columns := number(attributes, "val", 0):
            self._writer.begin_cell(columns=columns)

    def _start_code(self, _tag: str, _attributes: Attributes) -> None:
        self._in_code = True

    def _end_code(self) -> None:
        self._in_code = False

    def _start_link(self, _tag: str, attributes: Attributes) -> None:
        relation = self._relations.get(relation_id(attributes))
        self._links.append(_Link(relation.target if relation and relation.is_external else ""))

    def _end_link(self) -> None:
        if self._links:
            link = self._links.pop()
            self._writer.write_address(link.address, link.text)

    def _read_field(self, _tag: str, attributes: Attributes) -> None:
        kind = attribute(attributes, "fldCharType")
        if kind == "begin":
            # what a code is computed from is hidden with it
            self._fields.append(_Field(is_hidden=self._is_in_code()))
        elif kind == "separate" and self._fields:
            self._fields[-1].is_result = True
        elif kind == "end" and self._fields:
            field = self._fields.pop()
            if not field.is_hidden and (found := _ADDRESS.match(field.code)):
                self._writer.write_address(found[1], field.text)

    def _is_in_code(self) -> bool:
        if not self._fields:
            return False
        return self._fields[-1].is_hidden or not self._fields[-1].is_result

    def _embed(self, _tag: str, attributes: Attributes) -> None:
        """Writes a document that the file has inside, as programs that convert HTML write them."""
        relation = self._relations.get(relation_id(attributes))
        if relation is None or relation.is_external:
            raise UnreadablePart
        extension = relation.target.rpartition(".")[2].lower()
        content = self._package.read(relation.target)
        self._writer.end_paragraph()
        if extension in ("html", "htm", "xhtml"):
            html.write_page(encodings.decode(content, may_declare=True), self._writer)
        elif extension == "txt":
            self._writer.write(encodings.decode(content))
        elif extension == "rtf":
            html.write_page(library.extract_html(content, "rtf"), self._writer)
        elif extension == "docx" and self._depth < _DEEPEST_EMBEDDED:
            write_document(
                BytesIO(content), self._writer, self._package.limits, depth=self._depth + 1
            )
        else:
            raise UnreadablePart
        self._writer.end_paragraph()


def _read_property(paragraph: _Paragraph, tag: str, attributes: Attributes) -> None:
    if tag == "pStyle":
        paragraph.style = attribute(attributes, "val") or ""
    elif tag == "numId":
        paragraph.list_id = attribute(attributes, "val") or ""
    elif tag == "ilvl":
        paragraph.level = number(attributes, "val", 0)
    elif tag == "outlineLvl":
        level = number(attributes, "val", 9)
        paragraph.outline = level + 1 if level < 9 else None
