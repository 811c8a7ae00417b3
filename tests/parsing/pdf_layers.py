"""PDF files with text above the page: values of forms, and what was read off a scanned picture."""

import random

from tests.parsing.pdf_lines import LEADING, Made, lines_of, words
from tests.parsing.pdf_writer import PdfWriter, length


def form() -> Made:
    """Values that have no picture yet: the viewer draws them."""
    writer = PdfWriter()
    fields = [("name", "Marta Heronsson"), ("street", "Quayside 14"), ("town", "Bergen")]
    shown, widgets, text = [], [], []
    for number, (name, value) in enumerate(fields):
        y = 780 - number * 40
        shown.append(writer.show(f"Your {name}:", 50, y))
        widgets.append(widget(f"/T({name})/FT/Tx/V({value})", y))
        text.append(f"Your {name}: {value}")
    shown.append(writer.show("Country:", 50, 600))
    widgets.append(widget("/T(country)/FT/Ch/Ff 131072/Opt[(Norway)(Sweden)]/V(Norway)", 600))
    shown.append(writer.show("Remarks:", 50, 560))
    remark = "Grüße aus Łódź".encode("utf-16-be").hex()
    widgets.append(widget(f"/T(remarks)/FT/Tx/Ff 4096/V<feff{remark}>", 560))
    writer.page(shown, widgets=widgets)
    text += ["Country: Norway", "Remarks: Grüße aus Łódź"]
    return writer.file(), "\n".join(text)


def drawn_form() -> Made:
    """Values that come with their picture."""
    writer = PdfWriter()
    picture = writer.add(
        b"<</Type/XObject/Subtype/Form/BBox[0 0 200 20]/Resources<</Font<</F 3 0 R>>>>"
        b"/Length %d>>stream\n%s\nendstream"
        % (len(drawn := b"/Tx BMC " + writer.show("Marta Heronsson", 2, 5) + b" EMC"), drawn)
    )
    writer.page(
        [writer.show("Applicant name:", 50, 700), writer.show("Signed in June.", 50, 660)],
        widgets=[widget(f"/T(n)/FT/Tx/V(Marta Heronsson)/AP<</N {picture} 0 R>>", 700)],
    )
    return writer.file(), "Applicant name: Marta Heronsson\nSigned in June."


def widget(entries: str, y: float, *, left: float = 180, right: float = 380) -> bytes:
    """A field of a form on the page."""
    flags = "" if "/F " in entries else "/F 4"
    return (
        f"<</Type/Annot/Subtype/Widget{flags}/Rect[{left} {y - 5} {right} {y + 15}]"
        f"/DA(/F 12 Tf){entries}>>"
    ).encode()


def ocr_words() -> Made:
    """Invisible words, each stretched to where the picture has it."""
    return _ocr(by_glyph=False)


def ocr_glyphs() -> Made:
    """Invisible glyphs, each placed where the picture has it, a little up or down."""
    return _ocr(by_glyph=True)


def _ocr(*, by_glyph: bool) -> Made:
    chance = random.Random(4)
    writer = PdfWriter()
    shown, lines = (
        [],
        lines_of(["Ocean", "Shipping", "Company", "of", "Liverpool", *words(90, 5)], 380),
    )
    for number, line in enumerate(lines):
        x, y = 50.0, 780.0 - number * LEADING
        for word in line.split():
            stretch = chance.uniform(1.06, 1.14) if by_glyph else chance.uniform(0.85, 1.2)
            if by_glyph:
                for glyph in word:
                    place = y + chance.uniform(-0.8, 0.8)
                    shown.append(
                        writer.show(glyph, x + chance.uniform(-0.4, 0.4), place, before="3 Tr")
                    )
                    x += length(glyph) * stretch + chance.choice([0, 0, 0.6, 1.0])
            else:
                shown.append(
                    writer.show(
                        word,
                        x,
                        y + chance.uniform(-0.8, 0.8),
                        before=f"3 Tr {stretch * 100:.0f} Tz",
                    )
                )
                x += length(word) * stretch
            x += 4.2
    writer.page(shown)
    return writer.file(), "\n".join(lines)


def ocr_wide_glyphs() -> Made:
    """The font of the layer is narrower than what was scanned, so there is room behind each."""
    writer = PdfWriter()
    shown, lines = [], lines_of(["Ocean", "Shipping", "Company", *words(60, 6)], 300)
    for number, line in enumerate(lines):
        x = 50.0
        for word in line.split():
            for glyph in word:
                shown.append(writer.show(glyph, x, 780 - number * LEADING, size=9, before="3 Tr"))
                x += length(glyph, 12)
            x += length(" ", 12) + 2
    writer.page(shown)
    return writer.file(), "\n".join(lines)
