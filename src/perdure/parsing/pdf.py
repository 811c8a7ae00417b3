"""The text of a PDF file: the words of each page in the order of reading, and the values of forms.

The library, PDFium, says which characters a page has and where they are. It knows lines, but no
columns and tables: `pdf_layout.py` puts the words in order.
"""

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator

import pypdfium2
import pypdfium2.raw as pdfium

from perdure.parsing import bidi, hyphens
from perdure.parsing.packages import DamagedFile
from perdure.parsing.pdf_annotations import Annotations
from perdure.parsing.pdf_layout import page_text
from perdure.parsing.pdf_words import Box, Joint, Word

# What the library puts in place of a hyphen at the end of a line, and of that line's end.
_LINE_END_HYPHEN = "\ufffe"
_WORD = re.compile(rf"[^\s{_LINE_END_HYPHEN}]+{_LINE_END_HYPHEN}?|{_LINE_END_HYPHEN}")
_GLYPH = re.compile(r"[^\r\n]")
# Characters that a font gives no meaning to.
_UNKNOWN = re.compile(r"[\ufffe\uffff\ue000-\uf8ff]")
_PASSWORD_IS_WRONG = 4
_INVISIBLE = 3


class ProtectedPdf(Exception):
    """The file needs a password."""


def text_of(content: bytes, characters: int) -> str:
    """The text of a PDF file, which may be longer than allowed by a page; an empty line is between
    two pages.

    Raises `ProtectedPdf`, and `DamagedFile`. A page that is damaged is passed over, unless all of
    them are.
    """
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if error.err_code == _PASSWORD_IS_WRONG:
            raise ProtectedPdf from error
        raise DamagedFile from error
    annotations = Annotations(document)
    pages: list[str] = []
    damaged = 0
    for number in range(len(document)):
        try:
            page = document[number]
        except pypdfium2.PdfiumError:
            damaged += 1
            continue
        pages.append(_page_text(page, annotations))
        page.close()
        characters -= len(pages[-1])
        if characters < 0:
            break
    if damaged and not pages:
        raise DamagedFile
    return hyphens.joined("\n\n".join(filter(None, pages)))


def _page_text(page: pypdfium2.PdfPage, annotations: Annotations) -> str:
    textpage = page.get_textpage()
    words = list(_words(textpage))
    textpage.close()
    turns = Counter(word.turns for word in words).most_common(1)
    words += annotations.words(page, turns=turns[0][0] if turns else 0, order=len(words))
    return page_text(words)


def _words(page: pypdfium2.PdfTextPage) -> Iterator[Word]:
    """The words of a page as the library has them. Where there are scripts from right to left it is
    single characters, since the library does not always know their order.
    """
    text = page.get_text_range(errors="replace")
    places = _Places(page, text)
    if bidi.has_right_to_left(text):
        yield from _glyphs(text, places)
        return
    turns = 0
    for order, found in enumerate(_WORD.finditer(text)):
        first, last = places.index(found.start()), places.index(found.end() - 1)
        joint = Joint.BREAK
        if text[found.start() - 1 : found.start()] == " ":
            joint = Joint.GUESS if places.is_generated(first - 1) else Joint.SPACE
        if joint is not Joint.SPACE:
            turns = places.turns(first)
        if shown := _UNKNOWN.sub("", found[0].replace(_LINE_END_HYPHEN, "-")):
            yield Word(
                text=shown,
                box=places.box(first, last, turns),
                turns=turns,
                order=order,
                joint=joint,
                invisible=joint is Joint.GUESS and places.is_invisible(first),
            )


def _glyphs(text: str, places: "_Places") -> Iterator[Word]:
    for order, found in enumerate(_GLYPH.finditer(text)):
        number = places.index(found.start())
        shown = _UNKNOWN.sub("", found[0].replace(_LINE_END_HYPHEN, "-"))
        if shown and not (shown == " " and places.is_generated(number)):
            turns = places.turns(number)
            yield Word(
                text=shown,
                box=places.box(number, number, turns),
                turns=turns,
                order=order,
                joint=Joint.PLACE,
                invisible=False,
            )


class _Places:
    """The places of the characters of a page, by their index in its text."""

    def __init__(self, page: pypdfium2.PdfTextPage, text: str) -> None:
        self._page = page.raw
        # the library has numbers for characters that are not in the text, but seldom
        self._same = page.count_chars() == len(text)
        self._first, self._last = pdfium.FS_RECTF(), pdfium.FS_RECTF()
        self._to_first, self._to_last = ctypes.byref(self._first), ctypes.byref(self._last)

    def index(self, at: int) -> int:
        """The library's number of the character at this index of the text."""
        if self._same:
            return at
        return int(pdfium.FPDFText_GetCharIndexFromTextIndex(self._page, at))

    def is_generated(self, number: int) -> bool:
        """True for a space that is not in the file: the library guessed it from a gap."""
        return bool(pdfium.FPDFText_IsGenerated(self._page, number) == 1)

    def is_invisible(self, number: int) -> bool:
        """True for text that is not painted, as that over a scanned picture."""
        written = pdfium.FPDFText_GetTextObject(self._page, number)
        return bool(written) and pdfium.FPDFTextObj_GetTextRenderMode(written) == _INVISIBLE

    def turns(self, number: int) -> int:
        """The direction of the text at a character, in quarters of a turn to the left."""
        angle: float = pdfium.FPDFText_GetCharAngle(self._page, number)  # to the right
        return -round(angle / (math.pi / 2)) % 4

    def box(self, first: int, last: int, turns: int) -> Box:
        """The box around two characters and what is between them, turned upright."""
        one, other = self._first, self._last
        pdfium.FPDFText_GetLooseCharBox(self._page, first, self._to_first)
        if last == first:
            other = one
        else:
            pdfium.FPDFText_GetLooseCharBox(self._page, last, self._to_last)
        return Box.upright(
            min(one.left, other.left),
            min(one.bottom, other.bottom),
            max(one.right, other.right),
            max(one.top, other.top),
            turns,
        )
