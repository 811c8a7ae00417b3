"""A hostile file is refused in words that help, or read; it never harms more than itself."""

import asyncio
import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from perdure.parsing.parser import Parser
from tests.parsing import corpus, hostile, samples
from tests.parsing.processes import holding
from tests.parsing.reading import chunks_of, limited, outcome
from tests.patience import PATIENCE_SECONDS, pass_time, pause, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

_EXE = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8" + bytes(range(256)) * 8
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 8
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096)
_LONGER = "its text is longer than 50,000,000 characters"
_NO_TEXT = "no text was found in it; pictures of text are not read"
_DOCX_TEXT = "A heading\n\nWord of today.\n\nleft cell | right cell"
_NOT_UTF = "it is not text in UTF-8, UTF-16 or ASCII"


_BLOATED = "it unpacks to far more than its size"
_INNERMOST = "the innermost"
_NOTES = "Notes:\n\nSome notes"


def _deep(tag: str, depth: int) -> str:
    return f"<{tag}>" * depth + "the innermost" + f"</{tag}>" * depth


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    ("name", "write", "reason"),
    [
        ("empty.txt", bytes, "it is empty"),
        ("empty.pdf", bytes, "it is empty"),
        ("blank.txt", lambda: b" \n\t\n", _NO_TEXT),
        ("mark.txt", lambda: b"\xef\xbb\xbf", _NO_TEXT),
        ("scanned.pdf", samples.empty_pdf, _NO_TEXT),
        ("nothing.html", lambda: b"<p></p>", _NO_TEXT),
        # damaged and encrypted
        ("a.pdf", lambda: _truncated(samples.pdf()), "it is damaged, or not a PDF file"),
        ("a.docx", lambda: _truncated(samples.docx()), "it is damaged, or not a Word file"),
        ("a.pptx", lambda: _truncated(samples.pptx()), "it is damaged, or not a PowerPoint file"),
        ("a.doc", lambda: _OLD_OFFICE, "it is damaged, or not a Word 97-2003 file"),
        ("a.pdf", lambda: b"%PDF-1.7\n" + _PNG, "it is damaged, or not a PDF file"),
        ("a.docx", lambda: b"PK\x03\x04" + _PNG, "it is damaged, or not a Word file"),
        ("a.pdf", lambda: samples.pdf(password="key"), "it is protected by a password"),
        ("a.odt", lambda: _truncated(corpus.ODT), "it is damaged, or not an OpenDocument text"),
        ("a.epub", lambda: _truncated(corpus.EPUB), "it is damaged, or not an EPUB book"),
        ("a.xlsx", lambda: _truncated(corpus.XLSX), "it is damaged, or not a workbook"),
        ("a.eml", lambda: b"no e-mail at all", "it is damaged, or not an e-mail"),
        ("a.eml", lambda: _PNG, "it is damaged, or not an e-mail"),
        # named for what they are not
        ("a.odt", samples.docx, "it is damaged, or not an OpenDocument text"),
        ("a.epub", samples.docx, "it is damaged, or not an EPUB book"),
        ("a.xlsx", samples.docx, "it is damaged, or not a workbook"),
        ("a.rtf", samples.docx, "it is named .rtf, but it is not an RTF file"),
        ("a.docx", samples.pdf, "it is named .docx, but it is not a Word file"),
        ("a.doc", samples.pdf, "it is named .doc, but it is not a Word 97-2003 file"),
        ("a.pdf", samples.docx, "it is named .pdf, but it is not a PDF file"),
        ("a.pptx", samples.docx, "it is damaged, or not a PowerPoint file"),
        (
            "a.docx",
            samples.doc,
            "it is protected by a password, or in the format of Office 97-2003 in spite of its "
            "name",
        ),
        ("a.txt", lambda: _EXE, _NOT_UTF),
        ("a.md", lambda: _PNG, _NOT_UTF),
        ("a.html", samples.docx, _NOT_UTF),
        ("a.txt", lambda: gzip.compress(b"text"), _NOT_UTF),
        # bombs
        ("a.docx", partial(hostile.bloated_docx, 60), _LONGER),
        ("a.docx", partial(hostile.bloated_docx, 540), _BLOATED),
        ("a.docx", hostile.laughing_docx, "it is damaged, or not a Word file"),
        (
            "a.docx",
            partial(hostile.external_entity_docx, "/etc/hostname"),
            "it is damaged, or not a Word file",
        ),
        ("a.docx", partial(hostile.many_numbers_docx, 60), _LONGER),
        ("a.pptx", partial(hostile.bloated_pptx, 60), _LONGER),
        (
            "a.pptx",
            lambda: hostile.pptx_of(hostile.billion_laughs() + b"<x>&l9;</x>"),
            "it is damaged, or not a PowerPoint file",
        ),
        (
            "a.odt",
            lambda: corpus.packed({"content.xml": hostile.billion_laughs() + b"<x>&l9;</x>"}),
            "it is damaged, or not an OpenDocument text",
        ),
        ("a.txt", lambda: b"a" * 200_000_001, _LONGER),
        ("a.txt", lambda: b" " * 50_000_001, _LONGER),
        (
            "a.json",
            lambda: b"[1,]" * 3_000_000,
            "it has more than 5,000,000 tokens",
        ),
        ("a.pdf", hostile.circular_pdf, "it is damaged, or not a PDF file"),
    ],
)
async def test_a_file_without_text_to_be_had_is_invalid_and_told_why(
    parser: Parser, tmp_path: Path, name: str, write: Callable[[], bytes], reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(write())
    told = f"invalid_file: The file could not be parsed: {reason}."
    assert await outcome(parser, path) == told


@pytest.mark.parametrize(
    ("name", "bomb"),
    [
        ("a.odt", hostile.bloated_odt),
        ("a.epub", hostile.bloated_epub),
        ("a.xlsx", hostile.bloated_xlsx),
    ],
)
async def test_a_small_file_with_a_long_text_is_refused_at_the_limit(
    tmp_path: Path, name: str, bomb: Callable[[int], bytes]
) -> None:
    """What reads these is slow: the limit is lower than the one that files have by default."""
    path = tmp_path / name
    path.write_bytes(bomb(6))
    async with limited(characters=5_000_000) as parser:
        told = await outcome(parser, path)
    reason = "its text is longer than 5,000,000 characters"
    assert told == f"invalid_file: The file could not be parsed: {reason}."


@pytest.mark.parametrize(
    ("name", "write", "text"),
    [
        (
            "entities.html",
            lambda: hostile.billion_laughs() + b"<p>&l9; after</p>",
            "]>\n\n&l9; after",
        ),
        ("nested.docx", partial(hostile.nested_docx, 50_000), "the innermost"),
        ("named.doc", lambda: samples.docx("Word of today."), _DOCX_TEXT),
        (
            "nested.odt",
            lambda: corpus.odt(f"<text:p>{_deep('text:span', 50_000)}</text:p>"),
            "the innermost",
        ),
        ("nested.pptx", lambda: hostile.pptx_of(_deep("a", 50_000).encode()), _NOTES),
        ("nested.epub", lambda: corpus.epub(_deep("table", 5000), title=""), "the innermost"),
        ("nested.rtf", partial(hostile.nested_rtf, 400), "the innermost"),
        ("deep.ipynb", lambda: b'{"cells": ' + b"[" * 1500, '{"cells": ' + "[" * 1500),
        ("sparse.xlsx", hostile.sparse_xlsx, "One\n\nfirst\n | 7"),
        ("unclosed.html", lambda: b"<p>" * 50_000 + b"the innermost", "the innermost"),
        ("deep.html", lambda: b"<div><b>" * 50_000 + b"the innermost", "the innermost"),
        ("declarations.html", lambda: b"<![if x]>a<![foo[ ]>b<!ELEMENT c>c<p>d", "abc\n\nd"),
        ("surrogate.html", lambda: b"<p>a&#xD800;b", "a\ufffdb"),
        ("rubbish.pdf", lambda: b"rubbish\n" * 9 + samples.pdf("One."), "One. Page 1."),
    ],
)
async def test_a_bomb_that_does_not_go_off_is_a_file_like_any_other(
    parser: Parser, tmp_path: Path, name: str, write: Callable[[], bytes], text: str
) -> None:
    path = tmp_path / name
    path.write_bytes(write())
    assert await outcome(parser, path) == text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.docx", hostile.bloated_docx(2)),
        ("a.pptx", hostile.bloated_pptx(2)),
        ("a.odt", hostile.bloated_odt(2)),
        ("a.epub", hostile.bloated_epub(2)),
    ],
)
async def test_an_archive_unpacks_to_no_more_than_a_file_may_have(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    async with limited(file_bytes=1_000_000) as parser:
        told = await outcome(parser, path)
    assert told == f"invalid_file: The file could not be parsed: {_BLOATED}."


async def test_deep_json_is_text(parser: Parser, tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_bytes(b"[" * 100_000 + b"]" * 100_000)
    found = await chunks_of(parser, path)
    assert found[0].start == 0
    assert found[-1].end == 200_000


async def test_a_pdf_of_ten_thousand_pages_is_read(parser: Parser, tmp_path: Path) -> None:
    path = tmp_path / "long.pdf"
    path.write_bytes(hostile.repeated_pdf(10_000))
    found = await chunks_of(parser, path)
    first = found[0]
    assert first.text.startswith(f"{samples.HELLO}")
    assert sum(chunk.text.count(samples.HELLO) for chunk in found) >= 10_000


async def test_an_entry_that_climbs_out_of_its_archive_lands_nowhere(
    parser: Parser, tmp_path: Path
) -> None:
    planted = tmp_path / "planted"
    path = tmp_path / "climbing.docx"
    path.write_bytes(hostile.climbing_docx(str(planted)))
    assert samples.HELLO in await outcome(parser, path)
    assert _names(tmp_path) == ["climbing.docx"]


def _names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


async def test_a_file_over_the_limit_of_size_is_refused_unread(
    parser: Parser, tmp_path: Path
) -> None:
    path = tmp_path / "large.pdf"
    with path.open("wb") as file:
        file.truncate(512 * 1024 * 1024 + 1)
    told = "invalid_file: The file could not be parsed: it is larger than 512 MiB."
    assert await outcome(parser, path) == told


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.pdf", partial(hostile.bloated_pdf, 20)),
        ("a.txt", lambda: "😀".encode() + b"ha " * 30_000_000),
    ],
)
async def test_memory_is_limited(tmp_path: Path, name: str, write: Callable[[], bytes]) -> None:
    path = tmp_path / name
    path.write_bytes(write())
    async with limited(memory_bytes=512 * 1024 * 1024, characters=100_000_000) as parser:
        told = await outcome(parser, path)
    assert told.startswith("invalid_file: The file could not be parsed: it ")
    assert "takes more than 512 MiB of memory" in told


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("pages.pdf", partial(hostile.repeated_pdf, 100_000)),
        ("unfinished.html", lambda: b"<!" * 500_000),
    ],
)
async def test_time_is_limited(tmp_path: Path, name: str, write: Callable[[], bytes]) -> None:
    path = tmp_path / name
    path.write_bytes(write())
    quick = tmp_path / "quick.pdf"
    quick.write_bytes(samples.pdf())
    async with limited() as parser:
        assert await outcome(parser, quick) == f"{samples.HELLO} Page 1."
        parsing = asyncio.create_task(outcome(parser, path))
        await until(lambda: holding(path))
        while not parsing.done():  # its time begins a little later
            pass_time(PATIENCE_SECONDS)
            await pause()
        assert await parsing == (
            "invalid_file: The file could not be parsed: it takes longer than "
            f"{PATIENCE_SECONDS:g} seconds."
        )


async def test_while_a_file_is_slow_others_are_parsed(parser: Parser, tmp_path: Path) -> None:
    slow, quick = tmp_path / "slow.pdf", tmp_path / "quick.pdf"
    slow.write_bytes(hostile.repeated_pdf(100_000))
    quick.write_bytes(samples.pdf())
    ahead = asyncio.create_task(chunks_of(parser, slow))
    for _ in range(3):
        assert await outcome(parser, quick) == f"{samples.HELLO} Page 1."
    assert not ahead.done()
    ahead.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ahead
