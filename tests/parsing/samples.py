"""Writes a good file of each kind that text has to be got out of. Each says hello."""

import struct
from io import BytesIO

from docx import Document
from fpdf import FPDF
from pptx import Presentation

HELLO = "Hello from this file."

_SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def pdf(text: str = HELLO, *, pages: int = 1, password: str | None = None) -> bytes:
    """A PDF file with the text on each page, and the number of the page."""
    document = FPDF()
    document.set_font("helvetica", size=12)
    if password:
        document.set_encryption(owner_password="owner", user_password=password)
    for number in range(1, pages + 1):
        document.add_page()
        document.multi_cell(0, 8, f"{text} Page {number}.")
    return bytes(document.output())


def empty_pdf() -> bytes:
    """A page with a square on it, as a scanned page is without text."""
    document = FPDF()
    document.add_page()
    document.rect(10, 10, 50, 50)
    return bytes(document.output())


def docx(text: str = HELLO) -> bytes:
    """A Word file with a heading, a paragraph and a table."""
    document = Document()
    document.add_heading("A heading", 1)
    document.add_paragraph(text)
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "left cell", "right cell"
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def pptx(text: str = HELLO) -> bytes:
    """A PowerPoint file with a title, a text and notes."""
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "A title"
    slide.placeholders[1].text = text
    slide.notes_slide.notes_text_frame.text = "Some notes"
    file = BytesIO()
    presentation.save(file)
    return file.getvalue()


def html(text: str = HELLO) -> bytes:
    """A page with a script, a style, a heading and a paragraph."""
    return (
        "<!doctype html><title>A title</title><style>p { color: red }</style>"
        f"<script>let secret = 1</script><h1>A heading</h1><p>{text} Fish &amp; chips.</p>"
    ).encode()


def doc(text: str = HELLO) -> bytes:
    """The least that is a Word 97 file: the text in one piece, and a table that says where."""
    begin = 0x400
    words = bytearray(4096)
    struct.pack_into("<HHxxxxxxH", words, 0, 0xA5EC, 0xC1, 0x0200)  # its table is 1Table
    struct.pack_into("<II", words, 0x18, begin, begin + len(text))
    struct.pack_into("<H", words, 0x20, 14)
    struct.pack_into("<H", words, 0x3E, 22)
    struct.pack_into("<i", words, 0x4C, len(text))
    struct.pack_into("<H", words, 0x98, 93)
    struct.pack_into("<II", words, 0x1A2, 0, 21)  # where the pieces are in the table
    words[begin : begin + len(text)] = text.encode("latin-1")
    piece = struct.pack("<HIH", 0, 0x40000000 | begin * 2, 0)
    pieces = b"\x02" + struct.pack("<III", 16, 0, len(text)) + piece
    return _compound({"1Table": pieces.ljust(4096, b"\0"), "WordDocument": bytes(words)})


def _compound(streams: dict[str, bytes]) -> bytes:
    """An OLE compound file of streams that are 4096 bytes long: they need no small sectors.

    The shorter name comes first.
    """
    fat = [_FAT, _END]
    entries = [_entry("Root Entry", 5, child=1)]
    for number, (name, content) in enumerate(streams.items(), 1):
        right = number + 1 if number < len(streams) else _FREE
        entries.append(_entry(name, 2, right=right, start=len(fat), size=len(content)))
        sectors = len(content) // _SECTOR
        fat += [*range(len(fat) + 1, len(fat) + sectors), _END]
    fat += [_FREE] * (_SECTOR // 4 - len(fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + struct.pack(
        "<16xHHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, _END, 0, _END, 0
    )
    header += struct.pack("<I", 0) + struct.pack("<I", _FREE) * 108
    directory = b"".join(entries).ljust(_SECTOR, b"\0")
    return b"".join([header, struct.pack(f"<{len(fat)}I", *fat), directory, *streams.values()])


def _entry(
    name: str,
    kind: int,
    *,
    child: int = _FREE,
    right: int = _FREE,
    start: int = _END,
    size: int = 0,
) -> bytes:
    encoded = name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16xI16xIQ",
        *(encoded, len(encoded) + 2, kind, 1, _FREE, right, child, 0, start, size),
    )
