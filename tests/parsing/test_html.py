"""What is read of an HTML page: what a reader sees, each thing in its place."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.parsing import encodings, html
from perdure.parsing.parsed_text import ParsedText, TextTooLong, TextWriter


def _parsed(page: str, characters: int = 1_000_000) -> ParsedText:
    writer = TextWriter(characters)
    html.write_page(page, writer)
    return writer.finish()


def _text(page: str) -> str:
    return _parsed(page).text.strip()


def _table(*rows: str) -> str:
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        pytest.param(
            _table("<th>Plan<th>Trial<th>Price", "<td>Basic<td><td>9 USD"),
            "Plan | Trial | Price\nBasic |  | 9 USD",
            id="an empty cell keeps its place",
        ),
        pytest.param(
            _table("<td><p>one</p><p>two</p></td><td><div>three<br>four</div></td>"),
            "one two | three four",
            id="paragraphs of a cell stay in it",
        ),
        pytest.param(
            _table("<th colspan=2>Name<th>Age", "<td>Ada<td>Lovelace<td>36"),
            "Name |  | Age\nAda | Lovelace | 36",
            id="a wide cell keeps the places behind it",
        ),
        pytest.param(
            _table("<td rowspan=2>North<td>Q1<td>5", "<td>Q2<td>7", "<td>South<td>Q1<td>9"),
            "North | Q1 | 5\nNorth | Q2 | 7\nSouth | Q1 | 9",
            id="a high cell is repeated in the rows that it reaches over",
        ),
        pytest.param(
            _table("<td>a<td rowspan=3>b", "<td>c", "", "<td>d<td>e"),
            "a | b\nc | b\nd | e",
            id="a high cell at the end of a row",
        ),
        pytest.param(
            f"<p>x</p>{_table('<td>a<td>b')}<p>y</p>", "x\n\na | b\n\ny", id="a table and text"
        ),
        pytest.param(
            "<table><caption>Prices</caption><thead><tr><th>A<th>B</thead><tbody><tr><td>1<td>2"
            "</tbody></table>",
            "Prices\n\nA | B\n1 | 2",
            id="a caption",
        ),
        pytest.param(
            _table(f"<td>menu<td><h2>News</h2><p>one</p><p>two</p>{_table('<td>a<td>b')}"),
            "menu\n\nNews\n\none\n\ntwo\n\na | b",
            id="a table that lays out a page is a page",
        ),
        pytest.param(_table("<td><td>") + "z", "z", id="a row without text"),
        pytest.param("a<td>b<tr>c</table>d", "a b\nc\n\nd", id="cells without a table"),
        pytest.param("<table>a<td>b", "a\n\nb", id="a table without an end"),
    ],
)
def test_tables_are_rows_of_cells_in_their_places(page: str, text: str) -> None:
    assert _text(page) == text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<button>Save</button><button>Cancel</button>", "Save Cancel"),
        ("<svg><text>one</text><text>two</text></svg>", "one two"),
        ("<text><tspan x=1>one</tspan><tspan x=1 dy=9>two</tspan></text>", "one two"),
        ("<text><tspan>Wi</tspan><tspan>nd</tspan></text>", "Wind"),
        ("a<noscript>b</noscript><textarea>c</textarea>d", "a\nb\nc\nd"),
        ("<select><option>one<option>two</select>", "one\ntwo"),
        ("a<input value=b><input type=hidden value=c>d", "a b d"),
        ("<p>Wind<b>kraft</b>an<wbr>lage</p>", "Windkraftanlage"),
        ("Rechts&shy;schutz&#8203;versicherung\u200e", "Rechtsschutzversicherung"),
        ("<iframe></iframe>a<object>b</object>c", "a b c"),
    ],
)
def test_words_are_apart_where_a_reader_sees_them_apart(page: str, text: str) -> None:
    assert [line.strip() for line in _text(page).split("\n")] == text.split("\n")


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ('<a href="https://e.org/manual.pdf">here</a>.', "here (https://e.org/manual.pdf)."),
        ('<a href="guide/2.html">next</a>', "next (guide/2.html)"),
        ('<a href="https://e.org/">https://e.org</a>', "https://e.org"),
        ('<a href="mailto:a@e.org">a@e.org</a>', "a@e.org"),
        ('<a href="#top">top</a>', "top"),
        ('<a href="javascript:void(0)">menu</a>', "menu"),
        ('<a href="data:text/html,x">x</a>', "x"),
        ("<a name=x>anchor</a>", "anchor"),
        (
            '<a href="https://e.org/a">a<a href="https://e.org/b">b',
            "a (https://e.org/a)b (https://e.org/b)",
        ),
        ('<a href="https://e.org/a"><img src=x alt="A map"></a>', "A map (https://e.org/a)"),
        ('see <img src="a.png" alt="Wiring diagram">now', "see Wiring diagram now"),
        ('<img alt="IMG_0001.JPG"><img alt="">x', "x"),
        ('<map><area alt="Hall"></map>', "Hall"),
    ],
)
def test_addresses_of_links_and_texts_of_pictures_are_kept(page: str, text: str) -> None:
    assert _text(page) == text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<ol><li>a<li>b</ol>", "1. a\n2. b"),
        ("<ol start=3 type=a><li><p>a</p><li value=9>b</ol>", "c. a\n\ni. b"),
        ("<ol type=I reversed start=4><li>a<li>b</ol>", "IV. a\nIII. b"),
        ("<ol><li>a<ul><li>x<li>y</ul><li>b</ol>", "1. a\n\nx\ny\n\n2. b"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("<li>a</ol></ul>", "a"),
    ],
)
def test_items_of_lists_have_the_numbers_that_a_reader_sees(page: str, text: str) -> None:
    assert _text(page) == text


_GREETING = "Müller grüßt Zürich."


@pytest.mark.parametrize(
    ("head", "encoding", "text"),
    [
        ('<meta charset="windows-1252">', "cp1252", _GREETING),
        ("<meta charset=latin1>", "cp1252", "„Müller“"),
        (
            '<meta http-equiv="Content-Type" content="text/html; charset=ISO-8859-15">',
            "iso8859-15",
            "Müller € Žižek",
        ),
        ('<?xml version="1.0" encoding="koi8-r"?>', "koi8-r", "Привет"),
        ("<META CHARSET='Shift_JIS'>", "cp932", "部署完成①"),
        ("<meta charset=gb2312>", "gb18030", "部署完成了一次很长的测试"),
        ("<meta charset=iso-2022-jp>", "iso2022_jp", "日本語"),
        ("<meta charset=windows-1252>", "utf-8", _GREETING),
        ("<meta charset=utf-16>", "utf-8", _GREETING),
        ("", "utf-16", _GREETING),
    ],
)
def test_a_page_is_read_in_the_encoding_that_it_declares(
    head: str, encoding: str, text: str
) -> None:
    page = f"{head}<p>{text}</p>".encode(encoding)
    assert _text(encodings.decode(page, may_declare=True)) == text


@pytest.mark.parametrize(
    "declared", ["rot13", "unicode_escape", "utf-7", "zip", "idna", "none", "utf-8"]
)
def test_what_no_page_may_declare_is_refused(declared: str) -> None:
    with pytest.raises(UnicodeDecodeError):
        encodings.decode(f"<meta charset={declared}>grüße".encode("latin-1"), may_declare=True)


def test_every_encoding_that_may_be_declared_exists() -> None:
    for name in encodings._DECLARABLE:
        assert codecs.lookup(name).name == name


def test_headings_and_tables_are_marked_where_they_are() -> None:
    page = f"<title>Book</title><h1>One</h1><p>a{_table('<td>x<td>y', '<td>1<td>2')}<h2>Two</h2>b"
    text, headings, tables = _parsed(page)
    marked = [(mark.level, text[mark.start : mark.end]) for mark in headings]
    assert marked == [(0, "Book"), (1, "One"), (2, "Two")]
    [table] = tables
    assert text[table.start : table.heading_end] == "x | y"
    assert text[table.start : table.end] == "x | y\n1 | 2\n"


def test_the_marks_inside_a_table_that_lays_out_a_page_are_in_their_places() -> None:
    inner = _table("<td>x<td>y", "<td>1<td>2")
    text, headings, tables = _parsed(f"before{_table(f'<td>menu<td><h2>News</h2>a{inner}')}")
    assert [text[mark.start : mark.end] for mark in headings] == ["News"]
    assert [text[mark.start : mark.heading_end] for mark in tables] == ["x | y"]


@pytest.mark.parametrize(
    "page",
    [
        "<table><tr><td rowspan=999999 colspan=900>a" + "<tr><td>b" * 3000,
        "<table><tr>" + f"<td rowspan=65534>{'long ' * 30}" * 100 + "<tr><td>b" * 3000,
    ],
)
def test_a_table_cannot_write_far_more_than_a_page_has(page: str) -> None:
    with pytest.raises(TextTooLong):
        _parsed(page, 100_000)


_TAGS = st.sampled_from(
    "table tr td th h1 h2 p a ol li pre b div title".split()  # noqa: SIM905
)
_MARKUP = st.one_of(
    st.text("ab \n|", max_size=5),
    _TAGS.map(lambda tag: f"<{tag}>"),
    _TAGS.map(lambda tag: f"</{tag}>"),
    st.just("<td rowspan=2 colspan=3>"),
    st.just("<a href=x>"),
)


@given(st.lists(_MARKUP, max_size=60).map("".join))
def test_marks_are_in_order_and_within_the_text_of_any_page(page: str) -> None:
    text, headings, tables = _parsed(page)
    for heading in headings:
        assert 0 <= heading.start < heading.end <= len(text)
    assert list(headings) == sorted(headings)
    for table in tables:
        assert 0 <= table.start < table.heading_end < table.end <= len(text)
        assert "\n" not in text[table.start : table.heading_end]
    assert list(tables) == sorted(tables)
