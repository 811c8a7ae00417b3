"""Writes files that are made to break, to bloat or to deceive a parser."""

import zipfile
import zlib
from collections.abc import Iterable
from functools import cache
from io import BytesIO

from tests.parsing import corpus, samples

_BODY = "word/document.xml"
_MEGABYTE = 1_000_000
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def docx_of(
    pieces: Iterable[bytes],
    *,
    more: dict[str, bytes] | None = None,
    replaced: dict[str, bytes] | None = None,
) -> bytes:
    """A Word file with this XML as its body, with more files, and others in place of its own."""
    replaced = replaced or {}
    file = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(samples.docx())) as good,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bad,
    ):

        def _content(name: str) -> Iterable[bytes]:
            if name == _BODY:
                return pieces
            return [replaced[name] if name in replaced else good.read(name)]

        for name in {**dict.fromkeys(good.namelist()), **replaced}:
            with bad.open(name, "w", force_zip64=True) as entry:
                for piece in _content(name):
                    entry.write(piece)
        for name, content in (more or {}).items():
            bad.writestr(name, content)
    return file.getvalue()


def body(inner: Iterable[bytes], *, doctype: bytes = b"") -> Iterable[bytes]:
    """The XML of a Word file's body around something."""
    yield b'<?xml version="1.0"?>' + doctype
    yield b'<w:document xmlns:w="' + _WORD.encode() + b'"><w:body>'
    yield from inner
    yield b"</w:body></w:document>"


def paragraph(pieces: Iterable[bytes]) -> Iterable[bytes]:
    """One paragraph of a Word file."""
    yield b"<w:p><w:r><w:t>"
    yield from pieces
    yield b"</w:t></w:r></w:p>"


@cache
def bloated_docx(megabytes: int) -> bytes:
    """A small file that unpacks to one paragraph of so many megabytes."""
    return docx_of(body(paragraph(b"ha " * (_MEGABYTE // 3) for _ in range(megabytes))))


def billion_laughs() -> bytes:
    """A document type whose last entity, `&l9;`, would be three gigabytes."""
    entities = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY l0 "lol">{entities}]>'.encode()


def laughing_docx() -> bytes:
    """A Word file with the billion laughs, and a word after."""
    return docx_of(body(paragraph([b"&l9; after"]), doctype=billion_laughs()))


def external_entity_docx(path: str) -> bytes:
    """A Word file that asks for the contents of a file of the machine."""
    doctype = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{path}">]>'.encode()
    return docx_of(body(paragraph([b"before &e; after"]), doctype=doctype))


def nested_docx(depth: int) -> bytes:
    """Tables inside tables."""
    opened, closed = b"<w:tbl><w:tr><w:tc>", b"</w:tc></w:tr></w:tbl>"
    inner = [opened * depth, *paragraph([b"the innermost"]), closed * depth]
    return docx_of(body(inner))


def climbing_docx(path: str) -> bytes:
    """A good Word file with one file more, whose name leads out of any folder."""
    with zipfile.ZipFile(BytesIO(samples.docx())) as good:
        return docx_of([good.read(_BODY)], more={path: b"planted", f"../../{path}": b"planted"})


def many_numbers_docx(paragraphs: int) -> bytes:
    """Items of a list whose number is a long text."""
    item = b'<w:p><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>'
    item += b"<w:r><w:t>x</w:t></w:r></w:p>"
    label = b"9" * _MEGABYTE
    numbering = (
        b'<w:numbering xmlns:w="%s"><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0">'
        b'<w:lvlText w:val="%s"/></w:lvl></w:abstractNum><w:num w:numId="1">'
        b'<w:abstractNumId w:val="1"/></w:num></w:numbering>' % (_WORD.encode(), label)
    )
    return docx_of(body([item * paragraphs]), replaced={"word/numbering.xml": numbering})


def pptx_of(slide: bytes) -> bytes:
    """A PowerPoint file of one slide with this XML."""
    file = BytesIO()
    with zipfile.ZipFile(BytesIO(samples.pptx())) as good, zipfile.ZipFile(file, "w") as bad:
        for name in good.namelist():
            content = slide if name == "ppt/slides/slide1.xml" else good.read(name)
            bad.writestr(name, content, zipfile.ZIP_DEFLATED, 1)
    return file.getvalue()


def bloated_pptx(megabytes: int) -> bytes:
    """A small file with a slide that unpacks to so many megabytes."""
    text = b"ha " * (megabytes * _MEGABYTE // 3)
    return pptx_of(b"<s><txBody><p><r><t>%s</t></r></p></txBody></s>" % text)


def bloated_odt(megabytes: int) -> bytes:
    """A small file that unpacks to one paragraph of so many megabytes."""
    text = "ha " * (megabytes * _MEGABYTE // 3)
    return corpus.odt(f"<text:p>{text}</text:p>")


def bloated_epub(megabytes: int) -> bytes:
    """A small file with a chapter that unpacks to so many megabytes."""
    return corpus.epub("ha " * (megabytes * _MEGABYTE // 3))


def bloated_xlsx(megabytes: int) -> bytes:
    """A small file with a cell that unpacks to so many megabytes."""
    return corpus.xlsx(("One", [["ha " * (megabytes * _MEGABYTE // 3)]]))


def sparse_xlsx() -> bytes:
    """A workbook with a cell at either end of the largest sheet that there can be."""
    file = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(corpus.xlsx(("One", [["first"]])))) as good,
        zipfile.ZipFile(file, "w") as bad,
    ):
        for name in good.namelist():
            far = b'<row r="1048576"><c r="XFD1048576"><v>7</v></c></row></sheetData>'
            bad.writestr(name, good.read(name).replace(b"</sheetData>", far))
    return file.getvalue()


def nested_eml(depth: int) -> bytes:
    """E-mails inside of each other."""
    head = b"From: a@e.org\nContent-Type: multipart/mixed; boundary=b%d\n\n--b%d\n"
    begun = b"".join(head % (number, number) for number in range(depth))
    ended = b"".join(b"\n--b%d--\n" % number for number in reversed(range(depth)))
    return begun + b"Content-Type: text/plain\n\nthe innermost" + ended


def nested_rtf(depth: int) -> bytes:
    """Groups inside of each other."""
    return rb"{\rtf1 " + b"{" * depth + b"the innermost" + b"}" * depth + b"}"


def repeated_pdf(pages: int) -> bytes:
    """The same page so many times, in a file of some bytes for each."""
    content = b"BT /F1 12 Tf 72 700 Td (Hello from this file.) Tj ET"
    return _pdf(_stream(content), kids=b"3 0 R " * pages, count=pages)


def bloated_pdf(megabytes: int) -> bytes:
    """A small file, whose one page unpacks to so many megabytes of text."""
    content = b"BT /F1 12 Tf 72 700 Td " + b"(Hello) Tj " * (megabytes * _MEGABYTE // 11) + b"ET"
    packed = zlib.compress(zlib.compress(content, 9), 9)
    return _pdf(_stream(packed, b"/Filter [/FlateDecode /FlateDecode]"), kids=b"3 0 R", count=1)


def circular_pdf() -> bytes:
    """A tree of pages that is its own branch."""
    return _pdf(_stream(b""), kids=b"2 0 R", count=1_000_000_000)


def _stream(content: bytes, filters: bytes = b"") -> bytes:
    return b"<</Length %d %s>>stream\n%s\nendstream" % (len(content), filters, content)


def _pdf(page: bytes, *, kids: bytes, count: int) -> bytes:
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        page,
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    file, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj%s endobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return file + (
        b"xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (table, len(file))
    )
