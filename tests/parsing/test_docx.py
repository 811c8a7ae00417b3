"""What is read of a Word file: all that a reader sees, once."""

from io import BytesIO

import pytest

from perdure.parsing import docx
from perdure.parsing.limits import ParsingLimits
from tests.parsing import hostile


def _text(xml: str, **parts: str) -> str:
    """The text of a Word file with this body, and with more parts."""
    more = {f"word/{name}.xml": b"".join(_whole(part)) for name, part in parts.items()}
    return docx.text_of(BytesIO(hostile.docx_of(_whole(xml), more=more)), ParsingLimits())


def _whole(xml: str) -> list[bytes]:
    return list(hostile.body([xml.encode()]))


def _run(text: str) -> str:
    return f"<w:r><w:t>{text}</w:t></w:r>"


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
        pytest.param("<w:r><w:instrText>PAGE</w:instrText></w:r>", "", id="instruction"),
    ],
)
def test_a_paragraph_is_what_is_seen_of_it(inside: str, text: str) -> None:
    assert _text(f"<w:p>{inside}</w:p><w:p>{_run('next')}</w:p>") == f"{text}\n\nnext\n\n"


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


def _p(text: str) -> str:
    return f"<w:p>{_run(text)}</w:p>"
