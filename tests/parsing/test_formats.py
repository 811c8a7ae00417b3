"""Every supported kind of file is read, and every other is refused in words that help."""

import base64
import codecs
import json
from pathlib import Path

import pytest

from perdure.parsing.formats import TEXTS
from perdure.parsing.parser import Parser
from tests.parsing import corpus, samples
from tests.parsing.reading import outcome

pytestmark = pytest.mark.asyncio(loop_scope="module")

_HELLO = samples.HELLO
_BASE64 = base64.b64encode(bytes(range(256)) * 300).decode()
_NOT_TEXT = "invalid_file: The file could not be parsed: it is not text in UTF-8, UTF-16 or ASCII."
_BINARY = (
    "invalid_file: The file could not be parsed: it holds binary data where its name promises text."
)


def _file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.pdf", samples.pdf(), f"{_HELLO} Page 1."),
        ("a.docx", samples.docx(), f"A heading\n\n{_HELLO}\n\nleft cell | right cell"),
        ("a.pptx", samples.pptx(), f"A title\n\n{_HELLO}\n\nNotes:\n\nSome notes"),
        ("a.doc", samples.doc(), _HELLO),
        ("a.html", samples.html(), f"A title\n\nA heading\n\n{_HELLO} Fish & chips."),
        ("a.odt", corpus.ODT, corpus.ODT_TEXT),
        ("a.epub", corpus.EPUB, corpus.EPUB_TEXT),
        ("a.eml", corpus.eml(), corpus.EML_TEXT),
        ("a.rtf", corpus.RTF, corpus.RTF_TEXT),
        ("named.doc", corpus.RTF, corpus.RTF_TEXT),
        ("a.xlsx", corpus.XLSX, corpus.XLSX_TEXT),
        ("a.ipynb", corpus.NOTEBOOK, corpus.NOTEBOOK_TEXT),
        ("A.PDF", samples.pdf(), f"{_HELLO} Page 1."),
    ],
)
async def test_the_text_of_a_document_is_found(
    parser: Parser, tmp_path: Path, name: str, content: bytes, text: str
) -> None:
    assert await outcome(parser, _file(tmp_path, name, content)) == text


@pytest.mark.parametrize("extension", sorted(TEXTS - {"htm", "html"}))
async def test_plain_text_and_code_are_read_as_they_stand(
    parser: Parser, tmp_path: Path, extension: str
) -> None:
    content = '# "läuft" <b>&amp;</b>\n\tif (a < b) { return 1; }'
    path = _file(tmp_path, f"a.{extension}", content.encode())
    assert await outcome(parser, path) == content


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        (
            "a.json",
            json.dumps({"name": "Jürgen 部署 👩", "text": 'one\n"two"\t\\ three'}).encode(),
            '{"name": "Jürgen 部署 👩", "text": "one\n\\"two\\"\t\\\\ three"}',
        ),
        (
            "a.json",
            rb'["\\u00fc \u0022 \u005c \u0000 \ud800 \/ \b"]',
            r'["\\u00fc \u0022 \u005c \u0000 \ud800 / \b"]',
        ),
        ("a.jsonl", b'{"a": "\\u00fc"}\n{"a": "\\u00e4"}\n', '{"a": "ü"}\n{"a": "ä"}'),
        ("a.py", rb'"\u00fc\n"', r'"\u00fc\n"'),
        (
            "a.md",
            f"# R\n\n![a fig](data:image/png;base64,{_BASE64} 'title')\n\nend".encode(),
            "# R\n\n![a fig]\n\nend",
        ),
        (
            "a.md",
            f"[f]: <data:image/png;base64,{_BASE64}>\nend".encode(),
            "[f]: <data:image/png;base64,>\nend",
        ),
        (
            "a.css",
            f"a {{ b: url(data:font/woff2;base64,{_BASE64}) }}".encode(),
            "a { b: url(data:font/woff2;base64,) }",
        ),
        ("a.txt", b"data:image/png;base64,short", "data:image/png;base64,short"),
        ("a.txt", "Donau\u00addampf\u200bschiff\ufeff \u200ea".encode(), "Donaudampfschiff a"),
        ("a.txt", "Auf\u200clage 👩\u200d👩".encode(), "Auf\u200clage 👩\u200d👩"),
        (
            "a.xml",
            '<?xml version="1.0" encoding="ISO-8859-1"?><a>grüße</a>'.encode("latin-1"),
            '<?xml version="1.0" encoding="ISO-8859-1"?><a>grüße</a>',
        ),
    ],
)
async def test_what_nobody_could_read_in_a_text_is_made_readable(
    parser: Parser, tmp_path: Path, name: str, content: bytes, text: str
) -> None:
    assert await outcome(parser, _file(tmp_path, name, content)) == text


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("grüße 日本".encode(), id="utf-8"),
        pytest.param("grüße 日本".encode("utf-8-sig"), id="utf-8 with a mark"),
        pytest.param("grüße 日本".encode("utf-16"), id="utf-16"),
        pytest.param(codecs.BOM_UTF16_BE + "grüße 日本".encode("utf-16-be"), id="utf-16-be"),
        pytest.param("grüße 日本".encode("utf-16-le"), id="utf-16-le without a mark"),
        pytest.param("grüße 日本".encode("utf-16-be"), id="utf-16-be without a mark"),
        pytest.param("g\0rüße\x01 日本\x7f".encode(), id="with some control characters"),
    ],
)
@pytest.mark.parametrize("extension", ["txt", "html"])
async def test_text_may_be_in_utf_8_and_utf_16(
    parser: Parser, tmp_path: Path, content: bytes, extension: str
) -> None:
    assert await outcome(parser, _file(tmp_path, f"a.{extension}", content)) == "grüße 日本"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("latin.txt", "grüße".encode("latin-1"), _NOT_TEXT),
        ("half.txt", "grüße".encode("utf-16") + b"x", _NOT_TEXT),
        ("lone.txt", "\ud800 alone".encode("utf-16", "surrogatepass"), _NOT_TEXT),
        ("lone.json", "\ud800 alone".encode("utf-8", "surrogatepass"), _NOT_TEXT),
        ("torn.md", "grüße".encode()[:3], _NOT_TEXT),
        ("utf32.txt", "a longer text in utf-32".encode("utf-32"), _BINARY),
        ("zeros.json", bytes(5000), _BINARY),
    ],
)
async def test_other_encodings_and_binary_data_are_refused(
    parser: Parser, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    assert await outcome(parser, _file(tmp_path, name, content)) == told


@pytest.mark.parametrize(
    ("filename", "shown"),
    [
        ("table.tsv", ".tsv"),
        ("sheet.xls", ".xls"),
        ("picture.PNG", ".png"),
        ("archive.tar.gz", ".gz"),
        ("README", "none"),
        ("", "none"),
        (".txt", "none"),
        ("../../etc/passwd.d", ".d"),
        ("report.pdf\0.exe", ".exe"),
    ],
)
async def test_a_kind_that_is_not_supported_is_refused_by_name(
    parser: Parser, tmp_path: Path, filename: str, shown: str
) -> None:
    told = f"Files with extensions [{shown}] are not supported for retrieval."
    assert await outcome(parser, tmp_path, filename) == f"unsupported_file: {told}"
