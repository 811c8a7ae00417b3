"""PDF files of every class of page, each with the text that a reader of it sees, in order.

Written for the measuring of what reads them; see `bench/pdf_readers.py`.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import msgspec
from fpdf import FPDF

from tests.parsing.pdf_writer import PdfWriter, length, width

_ENGLISH = (
    "the tenant shall keep harbour records of every vessel that enters between March and October "
    "unless the master has asked in writing for another berth or the surveyor found that cargo "
    "was damaged while insurance premiums paid by owners remain due within thirty working days "
    "after notice although repairs might begin earlier where weather permits"
)
_HEBREW = "השוכר ישלם את דמי השכירות עד היום החמישי בכל חודש לפי החוזה שנחתם בעיר חיפה"
_ARABIC = "يدفع المستأجر بدل الإيجار قبل اليوم الخامس من كل شهر وفق العقد الموقع في مدينة"
_PERSIAN = "مستاجر اجاره بها را تا روز پنجم هر ماه طبق قرارداد پرداخت میکند و کلید خانه را"
_CHINESE = "承租人应当在每月五日之前向出租人支付租金并且负责保管房屋的钥匙和家具"
_JAPANESE = "賃借人は毎月五日までに賃料を支払うものとしかぎを大切に保管しなければならない"
_KOREAN = "임차인은 매월 오일까지 임대료를 지급하고 열쇠를 잘 보관하여야 한다 계약은 일년"
_RIGHT, _LEADING = 545, 18


class Sample(msgspec.Struct, frozen=True):
    """A file, its class of page, and its text: the words in the order of reading."""

    kind: str
    name: str
    file: bytes
    text: str
    by_character: bool = False
    """Its script has no spaces, so its characters are compared."""


def words(number: int, seed: int) -> list[str]:
    """So many words; a few of them occur once only."""
    chance = random.Random(seed)
    known = _ENGLISH.split()
    found = [chance.choice(known) for _ in range(number)]
    for at in range(0, number, 7):
        found[at] = f"{found[at]}{seed % 10}{chance.randrange(1000):03d}"
    return found


def lines_of(found: list[str], points: float = 480, size: float = 12) -> list[str]:
    """The words as lines that are no longer than so many points."""
    lines = [""]
    for word in found:
        longer = f"{lines[-1]} {word}".strip()
        if length(longer, size) <= points:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def samples() -> Iterator[Sample]:
    """All of them but the long one."""
    for kind, makers in _KINDS.items():
        for maker in makers:
            file, text = maker()
            yield Sample(kind, maker.__name__.strip("_"), file, text, kind == "Chinese, Japanese")


def long_document(pages: int = 600) -> Sample:
    """So many pages of running text with a heading and a page number on each."""
    document = _fpdf()
    text = []
    for page in range(pages):
        document.add_page()
        body = words(320, page)
        document.multi_cell(0, 6, " ".join(body), new_x="LMARGIN", new_y="NEXT")
        text += body
    return Sample("600 pages", "long", bytes(document.output()), " ".join(text))


def _fpdf() -> FPDF:
    document = FPDF()
    document.set_font("helvetica", size=11)
    return document


def _paragraphs() -> tuple[bytes, str]:
    document = _fpdf()
    text = []
    for page in range(3):
        document.add_page()
        for paragraph in range(4):
            heading, body = f"{page + 1}.{paragraph + 1} Duties", words(70, page * 4 + paragraph)
            document.cell(0, 10, heading, new_x="LMARGIN", new_y="NEXT")
            document.multi_cell(0, 6, " ".join(body) + ".", new_x="LMARGIN", new_y="NEXT")
            text += [heading, " ".join(body) + "."]
    return bytes(document.output()), "\n".join(text)


def _column_after_column() -> tuple[bytes, str]:
    return _columns(2, across=False)


def _columns_line_by_line() -> tuple[bytes, str]:
    return _columns(2, across=True)


def _three_columns() -> tuple[bytes, str]:
    return _columns(3, across=True)


def _columns_below_a_heading() -> tuple[bytes, str]:
    return _columns(2, across=True, heading=" ".join(words(9, 77)))


def _columns(number: int, *, across: bool, heading: str = "") -> tuple[bytes, str]:
    writer = PdfWriter()
    gap = 20
    each = (_RIGHT - 50 - gap * (number - 1)) / number
    columns = [lines_of(words(150, 20 + column), each) for column in range(number)]
    cells = [
        (line, column, text)
        for column, lines in enumerate(columns)
        for line, text in enumerate(lines)
    ]
    if across:
        cells.sort()
    shown = [
        writer.show(text, 50 + column * (each + gap), 740 - line * _LEADING)
        for line, column, text in cells
    ]
    writer.page([writer.show(heading, 50, 790, size=16), *shown] if heading else shown)
    return writer.file(), " ".join([heading, *(" ".join(lines) for lines in columns)])


def _table() -> tuple[bytes, str]:
    document = _fpdf()
    document.add_page()
    rows = [["Item", "Quantity", "Unit price", "Total"]]
    rows += [[f"Rope {n}", str(n), f"{n * 3}.50", f"{n * n * 3 + n / 2:.2f}"] for n in range(1, 25)]
    with document.table() as table:
        for row in rows:
            table.row(row)
    return bytes(document.output()), "\n".join(" ".join(row) for row in rows)


def _table_without_lines() -> tuple[bytes, str]:
    writer = PdfWriter()
    rows = [["Port", "Berths", "Depth", "Remark"]]
    rows += [[f"Port{n}", f"{n * 7}", f"{n}.5 m", " ".join(words(3, n))] for n in range(1, 20)]
    places = (50, 180, 260, 340)
    writer.page(
        writer.show(cell, x, 780 - number * _LEADING)
        for number, row in enumerate(rows)
        for cell, x in zip(row, places, strict=True)
    )
    return writer.file(), "\n".join(" ".join(row) for row in rows)


def _table_by_columns() -> tuple[bytes, str]:
    """Written column after column, as some spreadsheets do."""
    writer = PdfWriter()
    rows = [[f"Name{n}", f"{n * 11}", f"{n * 13}", f"{n * 17}"] for n in range(1, 25)]
    places = (50, 180, 260, 340)
    writer.page(
        writer.show(row[column], x, 780 - number * _LEADING)
        for column, x in enumerate(places)
        for number, row in enumerate(rows)
    )
    return writer.file(), "\n".join(" ".join(row) for row in rows)


_LIGATURES = ("ffi", "ffl", "ff", "fi", "fl")
_LIGATED = (
    "the office offered efficient and sufficient staff who file official affidavits of the final "
    "affluent fleet that floats off the cliff and reflects flour and fish"
)


def _ligatures_of_characters() -> tuple[bytes, str]:
    """One glyph for several characters."""
    return _ligatures(lambda each: each)


def _ligature_characters() -> tuple[bytes, str]:
    """Characters that are ligatures."""
    signs = dict(zip(_LIGATURES, "ﬃﬄﬀﬁﬂ", strict=True))
    return _ligatures(lambda each: signs[each])


def _ligatures(sign: Callable[[str], str]) -> tuple[bytes, str]:
    writer = PdfWriter()
    shown = []
    for number, line in enumerate(lines_of(_LIGATED.split())):
        glyphs, at = [], 0
        while at < len(line):
            found = next((each for each in _LIGATURES if line.startswith(each, at)), None)
            glyphs.append(sign(found) if found else line[at])
            at += len(found or " ")
        shown.append(writer.show(glyphs, 50, 780 - number * _LEADING))
    writer.page(shown)
    return writer.file(), _LIGATED


_HYPHENATED = [
    "The committee asked for an effi-",
    "cient solution of the mainte-",
    "nance problem, a well-known",
    "long-",
    "term issue of long-term leases, and",
    "its sub-",
    "Saharan branch, founded 1990-",
    "1995, paid for the Rhein-",
    "Main office and for refrige-",
    "ration. The refrigeration works.",
]
_UNHYPHENATED = (
    "The committee asked for an efficient solution of the maintenance problem, a well-known "
    "long-term issue of long-term leases, and its sub-Saharan branch, founded 1990-1995, paid for "
    "the Rhein-Main office and for refrigeration. The refrigeration works."
)


def _hyphens() -> tuple[bytes, str]:
    document = _fpdf()
    document.add_page()
    for line in _HYPHENATED:
        document.cell(0, 8, line, new_x="LMARGIN", new_y="NEXT")
    return bytes(document.output()), _UNHYPHENATED


def _soft_hyphens() -> tuple[bytes, str]:
    return _hyphens_shown_as("\u00ad")


def _typographic_hyphens() -> tuple[bytes, str]:
    return _hyphens_shown_as("\u2010")


def _hyphens_shown_as(sign: str) -> tuple[bytes, str]:
    writer = PdfWriter()
    lines = [
        f"The committee asked for an effi{sign}",
        f"cient solution of the mainte{sign}",
        "nance.",
    ]
    writer.page(writer.show(line, 50, 780 - n * _LEADING) for n, line in enumerate(lines))
    return writer.file(), "The committee asked for an efficient solution of the maintenance."


def _hyphens_in_columns() -> tuple[bytes, str]:
    writer = PdfWriter()
    left = ["All ships of the mer-", "chant navy pay har-", "bour dues at the of-"]
    right = ["fice of the port au-", "thority in spring", "and autumn."]
    writer.page(
        writer.show(lines[n], x, 780 - n * _LEADING)
        for n in range(3)
        for lines, x in ((left, 50), (right, 310))
    )
    return writer.file(), (
        "All ships of the merchant navy pay harbour dues at the office of the port authority in "
        "spring and autumn."
    )


def _reversed(line: str) -> str:
    """The line as it stands on paper from left to right: numbers and Latin words keep theirs."""
    parts = [part if part.isascii() else part[::-1] for part in line.split(" ")]
    return " ".join(reversed(parts))


def _right_to_left(found: list[str], form: Callable[[str], str] = str) -> tuple[bytes, str]:
    writer = PdfWriter()
    shown, text = [], []
    for number in range(8):
        line = [*found[number:], *found[:number]][:9]
        if number % 3 == 1:
            line[3:3] = [str(1200 + number)]
        if number % 3 == 2:
            line[4:4] = ["Perdure", "Ltd"]
        laid = " ".join(form(word) for word in line)
        if number % 3 == 2:
            laid = laid.replace("Perdure Ltd", "Perdure~Ltd")
        visual = _reversed(laid).replace("~", " ")
        shown.append(writer.show(visual, _RIGHT - length(visual), 780 - number * _LEADING))
        text.append(" ".join(line))
    writer.page(shown)
    return writer.file(), "\n".join(text)


def _hebrew() -> tuple[bytes, str]:
    return _right_to_left(_HEBREW.split())


def _arabic() -> tuple[bytes, str]:
    return _right_to_left(_ARABIC.split())


def _persian() -> tuple[bytes, str]:
    return _right_to_left(_PERSIAN.split())


def _arabic_forms() -> tuple[bytes, str]:
    """The shapes of letters have codes of their own, as old producers write them."""
    return _right_to_left(["بدل", "كل", "شهر", "بيت", "سفر", "جمل", "حبل"], _shaped)


def _shaped(word: str) -> str:
    return "".join(_FORMS.get(each, each) for each in word)


_FORMS = dict(zip("بدلكشرتسفجمحيه", "ﺑﺪﻞﻛﺷﺮﺖﺳﻔﺟﻤﺣﻴﻬ", strict=True))


def _hebrew_in_logical_order() -> tuple[bytes, str]:
    """Behind each glyph it goes back to the left, over it and the next one."""
    writer = PdfWriter()
    shown, text = [], []
    for number in range(4):
        line = " ".join(_HEBREW.split()[number : number + 7])
        moves = [width(each) + width(after) for each, after in pairwise(line)]
        parts = [writer.codes(line[0])]
        for move, each in zip(moves, line[1:], strict=True):
            parts.append(b"%d %s" % (move, writer.codes(each)))
        x = _RIGHT - length(line[0])
        start = b"BT /F 12 Tf %d %d Td" % (x, 780 - number * _LEADING)
        shown.append(b"%s [%s] TJ ET" % (start, b" ".join(parts)))
        text.append(line)
    writer.page(shown)
    return writer.file(), "\n".join(text)


def _hebrew_word_by_word() -> tuple[bytes, str]:
    """Words in the order of reading, each of them in the order on paper."""
    writer = PdfWriter()
    shown, text = [], []
    for number in range(4):
        found = _HEBREW.split()[number : number + 7]
        x = float(_RIGHT)
        for word in found:
            x -= length(word)
            shown.append(writer.show(word[::-1], x, 780 - number * _LEADING))
            x -= length(" ")
        text.append(" ".join(found))
    writer.page(shown)
    return writer.file(), "\n".join(text)


def _turned_by_viewer(degrees: int) -> tuple[bytes, str]:
    """Written so that it reads upright where the viewer turns the page."""
    writer = PdfWriter()
    lines = lines_of(words(60, degrees))
    turns = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    starts = {90: (60, 60), 180: (540, 60), 270: (535, 780)}
    steps = {90: (1, 0), 180: (0, 1), 270: (-1, 0)}
    x, y = starts[degrees]
    dx, dy = steps[degrees]
    writer.page(
        (
            writer.show(line, x + dx * n * _LEADING, y + dy * n * _LEADING, turn=turns[degrees])
            for n, line in enumerate(lines)
        ),
        rotate=degrees,
    )
    return writer.file(), "\n".join(lines)


def _turned_right() -> tuple[bytes, str]:
    return _turned_by_viewer(90)


def _upside_down() -> tuple[bytes, str]:
    return _turned_by_viewer(180)


def _turned_left() -> tuple[bytes, str]:
    return _turned_by_viewer(270)


def _sideways_text() -> tuple[bytes, str]:
    """The page is upright, and its text is not, as a broad table in a report."""
    writer = PdfWriter()
    lines = lines_of(words(60, 8))
    writer.page(
        writer.show(line, 60 + n * _LEADING, 60, turn=(0, 1, -1, 0)) for n, line in enumerate(lines)
    )
    return writer.file(), "\n".join(lines)


def _text_with_a_sideways_stamp() -> tuple[bytes, str]:
    writer = PdfWriter()
    lines = lines_of(words(80, 9), 440)
    stamp = "arXiv stamp of Thursday"
    writer.page(
        [
            writer.show(stamp, 30, 300, turn=(0, 1, -1, 0)),
            *(writer.show(line, 80, 780 - n * _LEADING) for n, line in enumerate(lines)),
        ]
    )
    return writer.file(), " ".join([*lines, stamp])


def _form() -> tuple[bytes, str]:
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


def _drawn_form() -> tuple[bytes, str]:
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


def _ocr_words() -> tuple[bytes, str]:
    """Invisible words, each stretched to where the picture has it."""
    return _ocr(by_glyph=False)


def _ocr_glyphs() -> tuple[bytes, str]:
    """Invisible glyphs, each placed where the picture has it, a little up or down."""
    return _ocr(by_glyph=True)


def _ocr(*, by_glyph: bool) -> tuple[bytes, str]:
    chance = random.Random(4)
    writer = PdfWriter()
    shown, lines = (
        [],
        lines_of(["Ocean", "Shipping", "Company", "of", "Liverpool", *words(90, 5)], 380),
    )
    for number, line in enumerate(lines):
        x, y = 50.0, 780.0 - number * _LEADING
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


def _ocr_wide_glyphs() -> tuple[bytes, str]:
    """The font of the layer is narrower than what was scanned, so there is room behind each."""
    writer = PdfWriter()
    shown, lines = [], lines_of(["Ocean", "Shipping", "Company", *words(60, 6)], 300)
    for number, line in enumerate(lines):
        x = 50.0
        for word in line.split():
            for glyph in word:
                shown.append(writer.show(glyph, x, 780 - number * _LEADING, size=9, before="3 Tr"))
                x += length(glyph, 12)
            x += length(" ", 12) + 2
    writer.page(shown)
    return writer.file(), "\n".join(lines)


def _chinese() -> tuple[bytes, str]:
    return _without_spaces(_CHINESE)


def _japanese() -> tuple[bytes, str]:
    return _without_spaces(_JAPANESE)


def _without_spaces(text: str) -> tuple[bytes, str]:
    writer = PdfWriter()
    lines = [(text[n:] + text[:n])[:30] for n in range(8)]
    writer.page(writer.show(line, 50, 780 - n * _LEADING) for n, line in enumerate(lines))
    return writer.file(), "".join(lines)


def _korean() -> tuple[bytes, str]:
    writer = PdfWriter()
    found = _KOREAN.split()
    lines = [" ".join([*found[n:], *found[:n]][:7]) for n in range(8)]
    writer.page(writer.show(line, 50, 780 - n * _LEADING) for n, line in enumerate(lines))
    return writer.file(), "\n".join(lines)


def _headers_and_footers() -> tuple[bytes, str]:
    """Header and footer are written before the text of each page."""
    writer = PdfWriter()
    text = []
    for page in range(4):
        lines = lines_of(words(90, 40 + page))
        header, footer = "Harbour Rules Edition", f"Page {page + 1} of 4"
        writer.page(
            [
                writer.show(header, 50, 815, size=9),
                writer.show(footer, 260, 30, size=9),
                *(writer.show(line, 50, 770 - n * _LEADING) for n, line in enumerate(lines)),
            ]
        )
        text += [header, *lines, footer]
    return writer.file(), "\n".join(text)


_ITEMS = ["Berths", "Cranes", "Tugs and pilots", "Weather", "Fees", "Night work", "Contacts"]


def _slides() -> tuple[bytes, str]:
    """Large letters, items with bullets that are closer than a line of prose."""
    writer = PdfWriter()
    text = []
    for slide in range(3):
        title = f"Slide {slide + 1}: Quay"
        shown = [writer.show(title, 60, 460, size=40)]
        for number, item in enumerate(_ITEMS):
            y = 390 - number * 30
            shown += [
                writer.show("•", 70, y, size=24),
                writer.show(item, 95, y, size=24),
            ]
            text += [title] if not number else []
            text.append(f"• {item}")
        writer.page(shown, size=(720, 540))
    return writer.file(), "\n".join(text)


def _slide_boxes() -> tuple[bytes, str]:
    """Words in boxes beside each other, close by, each of its own text object."""
    writer = PdfWriter()
    shown = []
    for number, item in enumerate(_ITEMS):
        label = f"{number + 1}."
        shown.append(writer.show(label, 60, 450 - number * 40, size=24))
        shown.append(writer.show(item, 62 + length(label, 24) + 4, 450 - number * 40, size=24))
    writer.page(shown, size=(720, 540))
    return writer.file(), "\n".join(f"{n + 1}. {item}" for n, item in enumerate(_ITEMS))


def _overprinted() -> tuple[bytes, str]:
    """Bold letters are made by writing the same twice, a trifle apart."""
    writer = PdfWriter()
    lines = lines_of(words(40, 50))
    shown = []
    for number, line in enumerate(lines):
        y = 780 - number * _LEADING
        shown += [writer.show(line, 50, y), writer.show(line, 50.3, y)]
    writer.page(shown)
    return writer.file(), "\n".join(lines)


def _short_page_with_hyphens() -> tuple[bytes, str]:
    document = _fpdf()
    document.add_page()
    lines = ["The committee asked for an effi-", "cient solution of the mainte-"]
    lines += ["nance problem, a well-known", "matter", "of old."]
    for line in lines:
        document.cell(0, 8, line, new_x="LMARGIN", new_y="NEXT")
    return bytes(document.output()), (
        "The committee asked for an efficient solution of the maintenance problem, a well-known "
        "matter of old."
    )


def _kerned() -> tuple[bytes, str]:
    """No spaces are written: the words are set apart, as TeX does."""
    writer = PdfWriter()
    lines = lines_of(words(80, 60))
    shown = []
    for number, line in enumerate(lines):
        parts = b" -330 ".join(writer.codes(word) for word in line.split())
        shown.append(b"BT /F 12 Tf 50 %d Td [%s] TJ ET" % (780 - number * _LEADING, parts))
    writer.page(shown)
    return writer.file(), "\n".join(lines)


def _letter_spaced() -> tuple[bytes, str]:
    """A heading whose letters are set apart."""
    writer = PdfWriter()
    heading, lines = "HARBOUR RULES AND DUES", lines_of(words(40, 61))
    writer.page(
        [
            writer.show(heading, 50, 800, size=14, before="3 Tc"),
            *(writer.show(line, 50, 770 - n * _LEADING) for n, line in enumerate(lines)),
        ]
    )
    return writer.file(), "\n".join([heading, *lines])


def _written_from_below() -> tuple[bytes, str]:
    """The lines are in the file in another order than on paper."""
    writer = PdfWriter()
    lines = lines_of(words(80, 62))
    writer.page(
        writer.show(line, 50, 780 - n * _LEADING) for n, line in reversed([*enumerate(lines)])
    )
    return writer.file(), "\n".join(lines)


def _footnote_marks() -> tuple[bytes, str]:
    """Small raised figures belong to the line that they are raised from."""
    writer = PdfWriter()
    shown, text = [], []
    for number in range(6):
        line, y = " ".join(words(8, 70 + number)), 780 - number * _LEADING
        shown += [
            writer.show(line, 50, y),
            writer.show(str(number + 1), 51 + length(line), y + 4, size=7),
            writer.show("follows", 62 + length(line), y),
        ]
        text.append(f"{line}{number + 1} follows")
    writer.page(shown)
    return writer.file(), "\n".join(text)


_Maker = Callable[[], tuple[bytes, str]]
_KINDS: dict[str, Iterable[_Maker]] = {
    "paragraphs": (_paragraphs, _kerned, _letter_spaced, _written_from_below, _footnote_marks),
    "columns": (
        _column_after_column,
        _columns_line_by_line,
        _three_columns,
        _columns_below_a_heading,
    ),
    "tables": (_table, _table_without_lines, _table_by_columns),
    "ligatures": (_ligatures_of_characters, _ligature_characters),
    "hyphens": (
        _hyphens,
        _soft_hyphens,
        _typographic_hyphens,
        _hyphens_in_columns,
        _short_page_with_hyphens,
    ),
    "right to left": (
        _hebrew,
        _arabic,
        _persian,
        _arabic_forms,
        _hebrew_in_logical_order,
        _hebrew_word_by_word,
    ),
    "rotated": (
        _turned_right,
        _upside_down,
        _turned_left,
        _sideways_text,
        _text_with_a_sideways_stamp,
    ),
    "forms": (_form, _drawn_form),
    "OCR layer": (_ocr_words, _ocr_glyphs, _ocr_wide_glyphs),
    "Chinese, Japanese": (_chinese, _japanese),
    "Korean": (_korean,),
    "headers and footers": (_headers_and_footers,),
    "slides": (_slides, _slide_boxes),
    "overprinted": (_overprinted,),
}
