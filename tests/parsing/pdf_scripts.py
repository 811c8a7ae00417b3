"""PDF files in several scripts, with ligatures and with hyphens at the ends of lines."""

from collections.abc import Callable
from itertools import pairwise

from tests.parsing.pdf_lines import LEADING, RIGHT, Made, lines_of, plain_document
from tests.parsing.pdf_writer import PdfWriter, length, width

_HEBREW = "השוכר ישלם את דמי השכירות עד היום החמישי בכל חודש לפי החוזה שנחתם בעיר חיפה"
_ARABIC = "يدفع المستأجر بدل الإيجار قبل اليوم الخامس من كل شهر وفق العقد الموقع في مدينة"
_PERSIAN = "مستاجر اجاره بها را تا روز پنجم هر ماه طبق قرارداد پرداخت میکند و کلید خانه را"
_CHINESE = "承租人应当在每月五日之前向出租人支付租金并且负责保管房屋的钥匙和家具"
_JAPANESE = "賃借人は毎月五日までに賃料を支払うものとしかぎを大切に保管しなければならない"
_KOREAN = "임차인은 매월 오일까지 임대료를 지급하고 열쇠를 잘 보관하여야 한다 계약은 일년"
_LIGATURES = ("ffi", "ffl", "ff", "fi", "fl")
_LIGATED = (
    "the office offered efficient and sufficient staff who file official affidavits of the final "
    "affluent fleet that floats off the cliff and reflects flour and fish"
)


def ligatures_of_characters() -> Made:
    """One glyph for several characters."""
    return _ligatures(lambda each: each)


def ligature_characters() -> Made:
    """Characters that are ligatures."""
    signs = dict(zip(_LIGATURES, "ﬃﬄﬀﬁﬂ", strict=True))
    return _ligatures(lambda each: signs[each])


def _ligatures(sign: Callable[[str], str]) -> Made:
    writer = PdfWriter()
    shown = []
    for number, line in enumerate(lines_of(_LIGATED.split())):
        glyphs, at = [], 0
        while at < len(line):
            found = next((each for each in _LIGATURES if line.startswith(each, at)), None)
            glyphs.append(sign(found) if found else line[at])
            at += len(found or " ")
        shown.append(writer.show(glyphs, 50, 780 - number * LEADING))
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


def hyphens() -> Made:
    document = plain_document()
    document.add_page()
    for line in _HYPHENATED:
        document.cell(0, 8, line, new_x="LMARGIN", new_y="NEXT")
    return bytes(document.output()), _UNHYPHENATED


def soft_hyphens() -> Made:
    return _hyphens_shown_as("\u00ad")


def typographic_hyphens() -> Made:
    return _hyphens_shown_as("\u2010")


def _hyphens_shown_as(sign: str) -> Made:
    writer = PdfWriter()
    lines = [
        f"The committee asked for an effi{sign}",
        f"cient solution of the mainte{sign}",
        "nance.",
    ]
    writer.page(writer.show(line, 50, 780 - n * LEADING) for n, line in enumerate(lines))
    return writer.file(), "The committee asked for an efficient solution of the maintenance."


def hyphens_in_columns() -> Made:
    writer = PdfWriter()
    left = [
        "All the ships of the foreign mer-",
        "chant navy must always pay har-",
        "bour dues in advance at the of-",
    ]
    right = [
        "fice of the port, which is the au-",
        "thority that is in charge of all of",
        "the basins.",
    ]
    writer.page(
        writer.show(lines[n], x, 780 - n * LEADING)
        for n in range(3)
        for lines, x in ((left, 50), (right, 310))
    )
    return writer.file(), (
        "All the ships of the foreign merchant navy must always pay harbour dues in advance at the "
        "office of the port, which is the authority that is in charge of all of the basins."
    )


def _reversed(line: str) -> str:
    """The line as it stands on paper from left to right: numbers and Latin words keep theirs."""
    parts = [part if part.isascii() else part[::-1] for part in line.split(" ")]
    return " ".join(reversed(parts))


def _right_to_left(found: list[str], form: Callable[[str], str] = str) -> Made:
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
        shown.append(writer.show(visual, RIGHT - length(visual), 780 - number * LEADING))
        text.append(" ".join(line))
    writer.page(shown)
    return writer.file(), "\n".join(text)


def hebrew() -> Made:
    return _right_to_left(_HEBREW.split())


def arabic() -> Made:
    return _right_to_left(_ARABIC.split())


def persian() -> Made:
    return _right_to_left(_PERSIAN.split())


def arabic_forms() -> Made:
    """The shapes of letters have codes of their own, as old producers write them."""
    return _right_to_left(["بدل", "كل", "شهر", "بيت", "سفر", "جمل", "حبل"], _shaped)


def _shaped(word: str) -> str:
    return "".join(_FORMS.get(each, each) for each in word)


_FORMS = dict(zip("بدلكشرتسفجمحيه", "ﺑﺪﻞﻛﺷﺮﺖﺳﻔﺟﻤﺣﻴﻬ", strict=True))


def hebrew_in_logical_order() -> Made:
    """Behind each glyph it goes back to the left, over it and the next one."""
    writer = PdfWriter()
    shown, text = [], []
    for number in range(4):
        line = " ".join(_HEBREW.split()[number : number + 7])
        moves = [width(each) + width(after) for each, after in pairwise(line)]
        parts = [writer.codes(line[0])]
        for move, each in zip(moves, line[1:], strict=True):
            parts.append(b"%d %s" % (move, writer.codes(each)))
        x = RIGHT - length(line[0])
        start = b"BT /F 12 Tf %d %d Td" % (x, 780 - number * LEADING)
        shown.append(b"%s [%s] TJ ET" % (start, b" ".join(parts)))
        text.append(line)
    writer.page(shown)
    return writer.file(), "\n".join(text)


def hebrew_word_by_word() -> Made:
    """Words in the order of reading, each of them in the order on paper."""
    writer = PdfWriter()
    shown, text = [], []
    for number in range(4):
        found = _HEBREW.split()[number : number + 7]
        x = float(RIGHT)
        for word in found:
            x -= length(word)
            shown.append(writer.show(word[::-1], x, 780 - number * LEADING))
            x -= length(" ")
        text.append(" ".join(found))
    writer.page(shown)
    return writer.file(), "\n".join(text)


def chinese() -> Made:
    return _without_spaces(_CHINESE)


def japanese() -> Made:
    return _without_spaces(_JAPANESE)


def _without_spaces(text: str) -> Made:
    writer = PdfWriter()
    lines = [(text[n:] + text[:n])[:30] for n in range(8)]
    writer.page(writer.show(line, 50, 780 - n * LEADING) for n, line in enumerate(lines))
    return writer.file(), "".join(lines)


def korean() -> Made:
    writer = PdfWriter()
    found = _KOREAN.split()
    lines = [" ".join([*found[n:], *found[:n]][:7]) for n in range(8)]
    writer.page(writer.show(line, 50, 780 - n * LEADING) for n, line in enumerate(lines))
    return writer.file(), "\n".join(lines)


def short_page_with_hyphens() -> Made:
    document = plain_document()
    document.add_page()
    lines = ["The committee asked for an effi-", "cient solution of the mainte-"]
    lines += ["nance problem, a well-known", "matter", "of old."]
    for line in lines:
        document.cell(0, 8, line, new_x="LMARGIN", new_y="NEXT")
    return bytes(document.output()), (
        "The committee asked for an efficient solution of the maintenance problem, a well-known "
        "matter of old."
    )
