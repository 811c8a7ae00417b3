"""PDF files of every class of page, each with the text that a reader of it sees, in order.

Written for the measuring of what reads them; see `bench/pdf_readers.py`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec

from tests.parsing import pdf_layers, pdf_layouts, pdf_scripts
from tests.parsing.pdf_lines import Made, plain_document, words


class Sample(msgspec.Struct, frozen=True):
    """A file, its class of page, and its text: the words in the order of reading."""

    kind: str
    name: str
    file: bytes
    text: str
    by_character: bool = False
    """Its script has no spaces, so its characters are compared."""


class Maker(NamedTuple):
    """What makes a sample of a class of page."""

    kind: str
    make: Callable[[], Made]

    @property
    def name(self) -> str:
        return self.make.__name__

    def sample(self) -> Sample:
        file, text = self.make()
        return Sample(self.kind, self.name, file, text, self.kind == "Chinese, Japanese")


def samples() -> Iterator[Sample]:
    """All of them but the long one."""
    return (maker.sample() for maker in MAKERS)


def long_document(pages: int = 600) -> Sample:
    """So many pages of running text with a heading and a page number on each."""
    document = plain_document()
    text = []
    for page in range(pages):
        document.add_page()
        body = words(320, page)
        document.multi_cell(0, 6, " ".join(body), new_x="LMARGIN", new_y="NEXT")
        text += body
    return Sample("600 pages", "long", bytes(document.output()), " ".join(text))


_KINDS: dict[str, Iterable[Callable[[], Made]]] = {
    "paragraphs": (
        pdf_layouts.paragraphs,
        pdf_layouts.kerned,
        pdf_layouts.letter_spaced,
        pdf_layouts.written_from_below,
        pdf_layouts.footnote_marks,
    ),
    "columns": (
        pdf_layouts.column_after_column,
        pdf_layouts.columns_line_by_line,
        pdf_layouts.three_columns,
        pdf_layouts.columns_below_a_heading,
    ),
    "tables": (
        pdf_layouts.table,
        pdf_layouts.table_without_lines,
        pdf_layouts.table_by_columns,
        pdf_layouts.table_with_long_cells,
        pdf_layouts.labels_and_values,
    ),
    "ligatures": (pdf_scripts.ligatures_of_characters, pdf_scripts.ligature_characters),
    "hyphens": (
        pdf_scripts.hyphens,
        pdf_scripts.soft_hyphens,
        pdf_scripts.typographic_hyphens,
        pdf_scripts.hyphens_in_columns,
        pdf_scripts.short_page_with_hyphens,
    ),
    "right to left": (
        pdf_scripts.hebrew,
        pdf_scripts.arabic,
        pdf_scripts.persian,
        pdf_scripts.arabic_forms,
        pdf_scripts.hebrew_in_logical_order,
        pdf_scripts.hebrew_word_by_word,
    ),
    "rotated": (
        pdf_layouts.turned_right,
        pdf_layouts.upside_down,
        pdf_layouts.turned_left,
        pdf_layouts.sideways_text,
        pdf_layouts.text_with_a_sideways_stamp,
    ),
    "forms": (pdf_layers.form, pdf_layers.drawn_form),
    "OCR layer": (pdf_layers.ocr_words, pdf_layers.ocr_glyphs, pdf_layers.ocr_wide_glyphs),
    "Chinese, Japanese": (pdf_scripts.chinese, pdf_scripts.japanese),
    "Korean": (pdf_scripts.korean,),
    "headers and footers": (pdf_layouts.headers_and_footers,),
    "slides": (pdf_layouts.slides, pdf_layouts.slide_boxes),
    "overprinted": (pdf_layouts.overprinted,),
}
MAKERS = [Maker(kind, make) for kind, makers in _KINDS.items() for make in makers]
