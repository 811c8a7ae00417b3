"""Text on a page of a PDF file besides its content: values of forms, and what was typed in."""

import ctypes
from collections.abc import Callable, Iterator

import pypdfium2
import pypdfium2.raw as pdfium

from perdure.parsing.pdf_words import Box, Joint, Word

_TEXTS = (
    pdfium.FPDF_FORMFIELD_TEXTFIELD,
    pdfium.FPDF_FORMFIELD_COMBOBOX,
    pdfium.FPDF_FORMFIELD_LISTBOX,
)
_MARKS = (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON)
_HIDDEN = 1 << 1
_PASSWORD = 1 << 13
# How high a line of a value is taken to be, in points: what the file says need not be so.
_LINE = 14.0


class Annotations:
    """The values of a document's form, if it has one, and its typed-in texts."""

    def __init__(self, document: pypdfium2.PdfDocument) -> None:
        document.init_forms()
        self._form = document.formenv.raw if document.formenv else None

    def words(self, page: pypdfium2.PdfPage, *, turns: int, order: int) -> Iterator[Word]:
        """Yields the text that is filled in on a page, each line as one word at its place."""
        for number in range(pdfium.FPDFPage_GetAnnotCount(page.raw)):
            annotation = pdfium.FPDFPage_GetAnnot(page.raw, number)
            if not annotation:
                continue
            text, box = self._text(annotation), _box(annotation, turns)
            pdfium.FPDFPage_CloseAnnot(annotation)
            for line, shown in enumerate(filter(None, map(str.strip, text.splitlines()))):
                yield Word(
                    text=shown,
                    box=_line_of(box, line),
                    turns=turns,
                    order=order + number,
                    joint=Joint.BREAK,
                    invisible=False,
                )

    def _text(self, annotation: pdfium.FPDF_ANNOTATION) -> str:
        if pdfium.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
            return ""
        kind = pdfium.FPDFAnnot_GetSubtype(annotation)
        if kind == pdfium.FPDF_ANNOT_FREETEXT:
            return _string(
                lambda buffer, size: pdfium.FPDFAnnot_GetStringValue(
                    annotation, b"Contents", buffer, size
                )
            )
        return self._value(annotation) if kind == pdfium.FPDF_ANNOT_WIDGET and self._form else ""

    def _value(self, field: pdfium.FPDF_ANNOTATION) -> str:
        kind = pdfium.FPDFAnnot_GetFormFieldType(self._form, field)
        if kind in _MARKS:
            return "[x]" if pdfium.FPDFAnnot_IsChecked(self._form, field) else "[ ]"
        if kind not in _TEXTS or (
            kind == pdfium.FPDF_FORMFIELD_TEXTFIELD
            and pdfium.FPDFAnnot_GetFormFieldFlags(self._form, field) & _PASSWORD
        ):
            return ""
        return _string(
            lambda buffer, size: pdfium.FPDFAnnot_GetFormFieldValue(self._form, field, buffer, size)
        )


def _string(call: Callable[[object, int], int]) -> str:
    """The string that a function of the library writes into a buffer, as UTF-16."""
    size = call(None, 0)
    buffer = ctypes.create_string_buffer(size)
    call(ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)
    return buffer.raw[: max(size - 2, 0)].decode("utf-16-le", errors="replace")


def _box(annotation: pdfium.FPDF_ANNOTATION, turns: int) -> Box:
    found = pdfium.FS_RECTF()
    pdfium.FPDFAnnot_GetRect(annotation, ctypes.byref(found))
    left, right = sorted((found.left, found.right))
    bottom, top = sorted((found.bottom, found.top))
    return Box.upright(left, bottom, right, top, turns)


def _line_of(box: Box, line: int) -> Box:
    """The place of a line of a field: from its top if it is high, else all of it."""
    if line == 0 and box.height < 2 * _LINE:
        return box
    return Box(box.left, box.top - (line + 1) * _LINE, box.right, box.top - line * _LINE)
