"""PDF files whose lines stand beside each other, turned, doubled, or in odd places."""

from tests.parsing.pdf_lines import LEADING, RIGHT, Made, lines_of, plain_document, words
from tests.parsing.pdf_writer import PdfWriter, length


def paragraphs() -> Made:
    document = plain_document()
    text = []
    for page in range(3):
        document.add_page()
        for paragraph in range(4):
            heading, body = f"{page + 1}.{paragraph + 1} Duties", words(70, page * 4 + paragraph)
            document.cell(0, 10, heading, new_x="LMARGIN", new_y="NEXT")
            document.multi_cell(0, 6, " ".join(body) + ".", new_x="LMARGIN", new_y="NEXT")
            text += [heading, " ".join(body) + "."]
    return bytes(document.output()), "\n".join(text)


def column_after_column() -> Made:
    return _columns(2, across=False)


def columns_line_by_line() -> Made:
    return _columns(2, across=True)


def three_columns() -> Made:
    return _columns(3, across=True)


def columns_below_a_heading() -> Made:
    return _columns(2, across=True, heading=" ".join(words(9, 77)))


def _columns(number: int, *, across: bool, heading: str = "") -> Made:
    writer = PdfWriter()
    gap = 20
    each = (RIGHT - 50 - gap * (number - 1)) / number
    columns = [lines_of(words(150, 20 + column), each) for column in range(number)]
    cells = [
        (line, column, text)
        for column, lines in enumerate(columns)
        for line, text in enumerate(lines)
    ]
    if across:
        cells.sort()
    shown = [
        writer.show(text, 50 + column * (each + gap), 740 - line * LEADING)
        for line, column, text in cells
    ]
    writer.page([writer.show(heading, 50, 790, size=16), *shown] if heading else shown)
    return writer.file(), " ".join([heading, *(" ".join(lines) for lines in columns)])


def table() -> Made:
    document = plain_document()
    document.add_page()
    rows = [["Item", "Quantity", "Unit price", "Total"]]
    rows += [[f"Rope {n}", str(n), f"{n * 3}.50", f"{n * n * 3 + n / 2:.2f}"] for n in range(1, 25)]
    with document.table() as table:
        for row in rows:
            table.row(row)
    return bytes(document.output()), "\n".join(" ".join(row) for row in rows)


def table_without_lines() -> Made:
    writer = PdfWriter()
    rows = [["Port", "Berths", "Depth", "Remark"]]
    rows += [[f"Port{n}", f"{n * 7}", f"{n}.5 m", " ".join(words(3, n))] for n in range(1, 20)]
    places = (50, 180, 260, 340)
    writer.page(
        writer.show(cell, x, 780 - number * LEADING)
        for number, row in enumerate(rows)
        for cell, x in zip(row, places, strict=True)
    )
    return writer.file(), "\n".join(" ".join(row) for row in rows)


def table_by_columns() -> Made:
    """Written column after column, as some spreadsheets do."""
    writer = PdfWriter()
    rows = [[f"Name{n}", f"{n * 11}", f"{n * 13}", f"{n * 17}"] for n in range(1, 25)]
    places = (50, 180, 260, 340)
    writer.page(
        writer.show(row[column], x, 780 - number * LEADING)
        for column, x in enumerate(places)
        for number, row in enumerate(rows)
    )
    return writer.file(), "\n".join(" ".join(row) for row in rows)


def table_with_long_cells() -> Made:
    """Cells of several lines, of which some are in the middle of their row."""
    document = plain_document()
    document.add_page()
    rows = [["Clause", "Duty", "Sanction"]]
    rows += [[f"Clause {n}", " ".join(words(14, n)), " ".join(words(15, n + 9))] for n in range(6)]
    with document.table() as table:
        for row in rows:
            table.row(row)
    return bytes(document.output()), "\n".join(" ".join(row) for row in rows)


def labels_and_values() -> Made:
    """Labels that are as long as each other, and their values beside them."""
    writer = PdfWriter()
    rows = [(f"Name of thing {n}:", " ".join(words(6, n))) for n in range(8)]
    writer.page(
        writer.show(text, 50 + column * 200, 700 - number * 20)
        for number, row in enumerate(rows)
        for column, text in enumerate(row)
    )
    return writer.file(), "\n".join(" ".join(row) for row in rows)


def _turned_by_viewer(degrees: int) -> Made:
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
            writer.show(line, x + dx * n * LEADING, y + dy * n * LEADING, turn=turns[degrees])
            for n, line in enumerate(lines)
        ),
        rotate=degrees,
    )
    return writer.file(), "\n".join(lines)


def turned_right() -> Made:
    return _turned_by_viewer(90)


def upside_down() -> Made:
    return _turned_by_viewer(180)


def turned_left() -> Made:
    return _turned_by_viewer(270)


def sideways_text() -> Made:
    """The page is upright, and its text is not, as a broad table in a report."""
    writer = PdfWriter()
    lines = lines_of(words(60, 8))
    writer.page(
        writer.show(line, 60 + n * LEADING, 60, turn=(0, 1, -1, 0)) for n, line in enumerate(lines)
    )
    return writer.file(), "\n".join(lines)


def text_with_a_sideways_stamp() -> Made:
    writer = PdfWriter()
    lines = lines_of(words(80, 9), 440)
    stamp = "arXiv stamp of Thursday"
    writer.page(
        [
            writer.show(stamp, 30, 300, turn=(0, 1, -1, 0)),
            *(writer.show(line, 80, 780 - n * LEADING) for n, line in enumerate(lines)),
        ]
    )
    return writer.file(), " ".join([*lines, stamp])


def headers_and_footers() -> Made:
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
                *(writer.show(line, 50, 770 - n * LEADING) for n, line in enumerate(lines)),
            ]
        )
        text += [header, *lines, footer]
    return writer.file(), "\n".join(text)


_ITEMS = ["Berths", "Cranes", "Tugs and pilots", "Weather", "Fees", "Night work", "Contacts"]


def slides() -> Made:
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


def slide_boxes() -> Made:
    """Words in boxes beside each other, close by, each of its own text object."""
    writer = PdfWriter()
    shown = []
    for number, item in enumerate(_ITEMS):
        label = f"{number + 1}."
        shown.append(writer.show(label, 60, 450 - number * 40, size=24))
        shown.append(writer.show(item, 62 + length(label, 24) + 4, 450 - number * 40, size=24))
    writer.page(shown, size=(720, 540))
    return writer.file(), "\n".join(f"{n + 1}. {item}" for n, item in enumerate(_ITEMS))


def overprinted() -> Made:
    """Bold letters are made by writing the same twice, a trifle apart."""
    writer = PdfWriter()
    lines = lines_of(words(40, 50))
    shown = []
    for number, line in enumerate(lines):
        y = 780 - number * LEADING
        shown += [writer.show(line, 50, y), writer.show(line, 50.3, y)]
    writer.page(shown)
    return writer.file(), "\n".join(lines)


def kerned() -> Made:
    """No spaces are written: the words are set apart, as TeX does."""
    writer = PdfWriter()
    lines = lines_of(words(80, 60))
    shown = []
    for number, line in enumerate(lines):
        parts = b" -330 ".join(writer.codes(word) for word in line.split())
        shown.append(b"BT /F 12 Tf 50 %d Td [%s] TJ ET" % (780 - number * LEADING, parts))
    writer.page(shown)
    return writer.file(), "\n".join(lines)


def letter_spaced() -> Made:
    """A heading whose letters are set apart."""
    writer = PdfWriter()
    heading, lines = "HARBOUR RULES AND DUES", lines_of(words(40, 61))
    writer.page(
        [
            writer.show(heading, 50, 800, size=14, before="3 Tc"),
            *(writer.show(line, 50, 770 - n * LEADING) for n, line in enumerate(lines)),
        ]
    )
    return writer.file(), "\n".join([heading, *lines])


def written_from_below() -> Made:
    """The lines are in the file in another order than on paper."""
    writer = PdfWriter()
    lines = lines_of(words(80, 62))
    writer.page(
        writer.show(line, 50, 780 - n * LEADING) for n, line in reversed([*enumerate(lines)])
    )
    return writer.file(), "\n".join(lines)


def footnote_marks() -> Made:
    """Small raised figures belong to the line that they are raised from."""
    writer = PdfWriter()
    shown, text = [], []
    for number in range(6):
        line, y = " ".join(words(8, 70 + number)), 780 - number * LEADING
        shown += [
            writer.show(line, 50, y),
            writer.show(str(number + 1), 51 + length(line), y + 4, size=7),
            writer.show("follows", 62 + length(line), y),
        ]
        text.append(f"{line}{number + 1} follows")
    writer.page(shown)
    return writer.file(), "\n".join(text)
