"""What is read of a Word file: all that a reader sees, once."""

import re
from io import BytesIO

import pytest
from docx import Document
from docx.document import Document as DocumentObject
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from perdure.parsing import docx
from perdure.parsing.limits import ParsingLimits
from perdure.parsing.parsed_text import ParsedText, TextWriter
from tests.parsing import hostile


def _text(xml: str, **parts: str) -> str:
    """The text of a Word file with this body, and with more parts."""
    more = {f"word/{name}.xml": b"".join(_whole(part)) for name, part in parts.items()}
    writer = TextWriter(ParsingLimits().characters)
    docx.write_document(BytesIO(hostile.docx_of(_whole(xml), more=more)), writer, ParsingLimits())
    return writer.finish().text


def _whole(xml: str) -> list[bytes]:
    return list(hostile.body([xml.encode()]))


def _run(text: str) -> str:
    return f"<w:r><w:t>{text}</w:t></w:r>"


def _field(code: str, result: str) -> str:
    code = re.sub(r"(^|>)([^<>]+)(<|$)", r"\1<w:r><w:instrText>\2</w:instrText></w:r>\3", code)
    mark = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'.format
    return f"{mark('begin')}{code}{mark('separate')}{result}{mark('end')}"


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        pytest.param(_run("AT&amp;T &lt;x&gt; &#x65e5;本"), "AT&T <x> 日本", id="entities"),
        pytest.param(_run("one ") + _run("two"), "one two", id="runs"),
        pytest.param("<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t></w:r>", "a\tb", id="tab"),
        pytest.param("<w:r><w:t>a</w:t><w:br/><w:t>b</w:t></w:r>", "a\nb", id="line break"),
        pytest.param(f"<w:pPr><w:tabs><w:tab/></w:tabs></w:pPr>{_run('a')}", "a", id="tab stop"),
        pytest.param(f"<w:hyperlink>{_run('link')}</w:hyperlink>", "link", id="link"),
        pytest.param(f"<w:ins>{_run('new')}</w:ins>", "new", id="inserted"),
        pytest.param("<w:del><w:r><w:delText>old</w:delText></w:r></w:del>", "", id="deleted"),
        pytest.param(f"<w:sdt><w:sdtContent>{_run('in')}</w:sdtContent></w:sdt>", "in", id="field"),
        pytest.param(f"<w:moveFrom>{_run('old')}</w:moveFrom>{_run('b')}", "b", id="moved away"),
        pytest.param(f"<w:moveTo>{_run('new')}</w:moveTo>", "new", id="moved here"),
        pytest.param(
            "<w:r><w:rPr><w:vanish/></w:rPr><w:t>x</w:t></w:r>" + _run("y"), "y", id="hidden"
        ),
        pytest.param(
            "<w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t>x</w:t></w:r>", "x", id="not hidden"
        ),
        pytest.param(_field("PAGE", _run("7")), "7", id="result of a field"),
        pytest.param(
            _field(f"IF {_field('PAGE', _run('7'))} = 7 ", _run("yes")), "yes", id="field in a code"
        ),
        pytest.param(
            _field('HYPERLINK "https://e.org/a" \\o "tip"', _run("link")),
            "link (https://e.org/a)",
            id="link as a field",
        ),
        pytest.param(
            '<w:r><w:drawing><wp:docPr xmlns:wp="urn:wp" descr="A heron"/></w:drawing></w:r>'
            + _run("wades"),
            "A heron wades",
            id="picture",
        ),
        pytest.param("<w:r><w:instrText>PAGE</w:instrText></w:r>", "", id="instruction"),
    ],
)
def test_a_paragraph_is_what_is_seen_of_it(inside: str, text: str) -> None:
    assert _text(f"<w:p>{inside}</w:p><w:p>{_run('next')}</w:p>") == f"{text}\n\nnext\n\n".lstrip(
        "\n"
    )


def test_a_text_box_is_read_once() -> None:
    box = f"<w:txbxContent><w:p>{_run('box')}</w:p></w:txbxContent>"
    both = f"<w:p><w:r><Choice>{box}</Choice><Fallback>{box}</Fallback></w:r>{_run('after')}</w:p>"
    assert _text(both).split() == ["box", "after"]


def test_a_row_of_a_table_is_a_line() -> None:
    cell = "<w:tc><w:p>{}</w:p></w:tc>".format
    inner = f"<w:tbl><w:tr>{cell(_run('c'))}{cell(_run('d'))}</w:tr></w:tbl>"
    table = (
        f"<w:tbl><w:tr>{cell(_run('a'))}{cell(_run('b'))}</w:tr><w:tr>{cell(inner)}</w:tr></w:tbl>"
    )
    lines = [line.strip() for line in _text(table).split("\n") if line.strip()]
    assert lines == ["a | b", "c | d"]


def test_footnotes_and_endnotes_come_after_the_text() -> None:
    text = _text(_p("text"), endnotes=_p("endnote"), footnotes=_p("footnote"), comments=_p("no"))
    assert text.split() == ["text", "footnote", "endnote"]


def _read(content: bytes, characters: int = 1_000_000) -> ParsedText:
    writer = TextWriter(characters)
    docx.write_document(BytesIO(content), writer, ParsingLimits())
    return writer.finish()


def _saved(document: DocumentObject) -> bytes:
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def _lines(content: bytes) -> list[str]:
    return _read(content).text.strip().split("\n\n")


def test_items_have_the_numbers_that_word_shows() -> None:
    document = Document()
    for text in "ab":
        document.add_paragraph(text, style="List Number")
    document.add_paragraph("between")
    document.add_paragraph("", style="List Number")
    document.add_paragraph("c", style="List Number")
    document.add_paragraph("x", style="List Bullet")
    assert _lines(_saved(document)) == ["1. a", "2. b", "between", "4. c", "x"]


_LEVELS = (
    '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/>'
    '<w:lvlText w:val="Art. %1"/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:start w:val="3"/><w:numFmt w:val="upperRoman"/>'
    '<w:lvlText w:val="%1.%2"/></w:lvl>'
    '<w:lvl w:ilvl="2"><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%3)"/></w:lvl>'
    '<w:lvl w:ilvl="3"><w:numFmt w:val="decimal"/><w:isLgl/><w:lvlText w:val="%1.%2.%4"/></w:lvl>'
)
_NUMBERING = (
    '<w:numbering xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    f'<w:abstractNum w:abstractNumId="1">{_LEVELS}</w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'
    '<w:num w:numId="2"><w:abstractNumId w:val="1"/>'
    '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num>'
    "</w:numbering>"
)


def _item(text: str, level: int, list_id: int = 1) -> str:
    place = f'<w:ilvl w:val="{level}"/><w:numId w:val="{list_id}"/>'
    return f"<w:p><w:pPr><w:numPr>{place}</w:numPr></w:pPr>{_run(text)}</w:p>"


def test_levels_of_a_list_are_counted_as_word_counts_them() -> None:
    body = "".join(
        [
            *(_item("a", 0), _item("b", 1), _item("c", 1), _item("d", 2), _item("e", 2)),
            *(_item("f", 3), _item("g", 0), _item("h", 1), _item("i", 0, list_id=2)),
            *(_item("j", 0, list_id=2), _item("k", 0, list_id=0), _item("l", 0, list_id=99)),
            _item("m", 3),
        ]
    )
    content = hostile.docx_of(_whole(body), replaced={"word/numbering.xml": _NUMBERING.encode()})
    assert _lines(content) == [
        *("Art. 1 a", "1.III b", "1.IV c", "a) d", "b) e", "1.4.1 f", "Art. 2 g", "2.III h"),
        *("Art. 7 i", "Art. 8 j", "k", "l", "8.3.1 m"),
    ]


def test_headings_are_known_by_their_styles_with_their_numbers() -> None:
    document = Document()
    document.add_heading("The title", 0)
    document.add_heading("One", 1)
    document.add_paragraph("text")
    own = document.styles.add_style("Own", WD_STYLE_TYPE.PARAGRAPH)
    own.base_style = document.styles["Heading 2"]
    document.add_paragraph("Two", style="Own")
    outlined = document.add_paragraph("Three")
    level = OxmlElement("w:outlineLvl")
    level.set(qn("w:val"), "2")
    outlined._p.get_or_add_pPr().append(level)
    text, headings, _ = _read(_saved(document))
    marked = [(mark.level, text[mark.start : mark.end]) for mark in headings]
    assert marked == [(0, "The title"), (1, "One"), (2, "Two"), (3, "Three")]


def test_cells_keep_their_places() -> None:
    document = Document()
    table = document.add_table(3, 3)
    for row, cells in zip(
        table.rows, (["Plan", "Trial", "Price"], ["Basic", "", "9"]), strict=False
    ):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    table.cell(1, 2).add_paragraph("a month")
    table.cell(2, 0).merge(table.cell(2, 1)).text = "all"
    table.cell(2, 2).text = "12"
    assert _read(_saved(document)).text == (
        "Plan | Trial | Price\nBasic |  | 9 a month\nall |  | 12\n\n"
    )


def test_the_text_of_merged_cells_stands_once() -> None:
    document = Document()
    table = document.add_table(3, 3)
    for number, cell in enumerate(table._cells):
        cell.text = f"c{number}"
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(1, 1).merge(table.cell(2, 2))
    assert _read(_saved(document)).text.strip() == "c0 c3 | c1 | c2\n | c4 c5 c7 c8\nc6"


def test_the_address_of_a_link_is_kept() -> None:
    document = Document()
    paragraph = document.add_paragraph("See ")
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), document.part.relate_to("https://e.org/a", _LINK, is_external=True))
    link.append(paragraph.add_run("the manual")._r)
    paragraph._p.append(link)
    paragraph.add_run(" now")
    assert _lines(_saved(document)) == ["See the manual (https://e.org/a) now"]


_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_LINK = f"{_RELATIONS}/hyperlink"


_CHART = (
    '<c:chart xmlns:c="urn:c" xmlns:a="urn:a"><c:title><a:p><a:r><a:t>Her</a:t></a:r><a:r><a:t>ons'
    "</a:t></a:r></a:p></c:title><c:ser><c:tx><c:v>North</c:v></c:tx><c:cat><c:pt idx='0'><c:v>Q1"
    "</c:v></c:pt><c:pt idx='1'><c:v>Q2</c:v></c:pt></c:cat><c:val>"
    "<c:pt idx='1'><c:v>7</c:v></c:pt>"
    "<c:pt idx='0'><c:v>4.5</c:v></c:pt></c:val></c:ser></c:chart>"
)
_DIAGRAM = (
    '<d:data xmlns:d="urn:d" xmlns:a="urn:a"><d:pt><d:t><a:p><a:r><a:t>Pl</a:t></a:r><a:r><a:t>an'
    "</a:t></a:r></a:p></d:t></d:pt><d:pt><d:t><a:p><a:r><a:t>Build</a:t></a:r></a:p></d:t></d:pt>"
    "</d:data>"
)


@pytest.mark.parametrize(
    ("element", "part", "text"),
    [
        ("<chart r:id='e'/>", _CHART, "Herons\n\n | North\nQ1 | 4.5\nQ2 | 7"),
        ("<relIds r:dm='e'/>", _DIAGRAM, "Plan\nBuild"),
        ("<chart r:id='none'/>", _CHART, ""),
    ],
)
def test_charts_and_diagrams_are_read_where_they_stand(element: str, part: str, text: str) -> None:
    drawing = f'<w:r><w:drawing xmlns:r="{_RELATIONS}">{element}</w:drawing></w:r>'
    relation = f'<Relationship Id="e" Type="{_RELATIONS}/chart" Target="charts/c.xml"/>'
    content = hostile.docx_of(
        _whole(f"{_p('before')}<w:p>{drawing}</w:p>{_p('after')}"),
        more={"word/charts/c.xml": part.encode()},
        replaced={
            "word/_rels/document.xml.rels": f"<Relationships>{relation}</Relationships>".encode()
        },
    )
    inside = f"{text}\n\n" if text else ""
    assert _read(content).text == f"before\n\n{inside}after\n\n"


def _embedding(name: str, content: bytes) -> bytes:
    """A Word file whose body is another document."""
    body = f'{_p("before")}<w:altChunk xmlns:r="{_RELATIONS}" r:id="e"/>{_p("after")}'
    relation = f'<Relationship Id="e" Type="{_RELATIONS}/aFChunk" Target="{name}"/>'
    listed = f'<Relationships xmlns="urn:r">{relation}</Relationships>'.encode()
    return hostile.docx_of(
        _whole(body),
        more={f"word/{name}": content},
        replaced={"word/_rels/document.xml.rels": listed},
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.html", b"<p>The <b>her</b>on</p>"),
        ("a.htm", '<meta charset="cp1252"><p>The heron</p>'.encode("cp1252")),
        ("a.txt", b"The heron"),
        ("a.rtf", rb"{\rtf1 The \b her\b0 on\par}"),
        ("a.docx", hostile.docx_of(hostile.body([b"<w:p><w:r><w:t>The heron</w:t></w:r></w:p>"]))),
    ],
)
def test_a_document_inside_is_read_in_its_place(name: str, content: bytes) -> None:
    assert _lines(_embedding(name, content)) == ["before", "The heron", "after"]


@pytest.mark.parametrize("name", ["a.mht", "a.bin", "a"])
def test_a_document_inside_that_is_not_read_fails_the_file(name: str) -> None:
    with pytest.raises(docx.UnreadablePart):
        _read(_embedding(name, b"what it may be"))


def test_documents_inside_of_each_other_have_an_end() -> None:
    content = hostile.docx_of(_whole(_p("heart")))
    for _ in range(3):
        content = _embedding("a.docx", content)
    assert "heart" in _read(content).text
    with pytest.raises(docx.UnreadablePart):
        _read(_embedding("a.docx", content))


def _p(text: str) -> str:
    return f"<w:p>{_run(text)}</w:p>"
