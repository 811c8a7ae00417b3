"""The text of a Word file: paragraphs, tables, text boxes, footnotes; what was deleted is not read.

Read here and not by the library, which drops tabs, `&`, `<` and `>`.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Never
from xml.parsers import expat

from perdure.parsing.limits import ParsingLimits

# The document itself, which comes first, and what it refers to.
_PARTS = (
    re.compile(r"word/document\d*\.xml"),
    re.compile(r"word/footnotes\.xml"),
    re.compile(r"word/endnotes\.xml"),
)
_PIECE = 64 * 1024
_INSTEAD = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    expat.ExpatError,
    EOFError,
    NotImplementedError,
    RuntimeError,  # an entry is encrypted
)


class Damaged(Exception):
    """The file is not a Word file, or no longer."""


class Bloated(Exception):
    """The file unpacks to more than a file may have."""


def text_of(file: BinaryIO, limits: ParsingLimits) -> str:
    """The text of a Word file, which may be longer than allowed by a little.

    Raises `Damaged` or `Bloated`.
    """
    reader = _Reader(limits.characters)
    try:
        with zipfile.ZipFile(file) as archive:
            parts = _parts(archive)
            if sum(part.file_size for part in parts) > limits.file_bytes:
                raise Bloated
            for part in parts:
                reader.read(_pieces(archive, part))
    except _DAMAGE as error:
        raise Damaged from error
    return "".join(reader.pieces)


def _parts(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    parts = [entry for part in _PARTS for entry in entries if part.fullmatch(entry.filename)]
    if not parts or not _PARTS[0].fullmatch(parts[0].filename):
        raise Damaged
    return parts


def _pieces(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(part) as unpacked:  # never more than the size that it states
        while piece := unpacked.read(_PIECE):
            yield piece


class _Reader:
    """Collects the text of the parts. It builds no tree, so their depth does no harm."""

    def __init__(self, characters: int) -> None:
        self.pieces: list[str] = []
        self._left = characters
        self._in_text = self._in_run = False
        # inside of how many fallbacks for old programs, which repeat what they stand for
        self._fallbacks = 0
        # how many cells each open row has had
        self._rows: list[int] = []

    def read(self, pieces: Iterator[bytes]) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.StartDoctypeDeclHandler = _refuse
        for piece in pieces:
            parser.Parse(piece, False)
            if self._left < 0:
                return
        parser.Parse(b"", True)

    def _start(self, name: str, _: dict[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        if tag in ("t", "r"):
            self._in_text = tag == "t"
            self._in_run = True
        elif tag in _INSTEAD and self._in_run:  # elsewhere, a tab is the place of one
            self._write(_INSTEAD[tag])
        elif tag == "Fallback":
            self._fallbacks += 1
        elif tag == "tr":
            self._rows.append(0)
        elif tag == "tc" and self._rows:
            if self._rows[-1]:
                self._write("| ")
            self._rows[-1] += 1

    def _end(self, name: str) -> None:
        tag = name.rpartition(" ")[2]
        if tag in ("t", "r"):
            self._in_text = False
            self._in_run = tag == "t"
        elif tag == "p":
            self._write(" " if self._rows else "\n\n")
        elif tag == "Fallback":
            self._fallbacks -= 1
        elif tag == "tr" and self._rows:
            self._rows.pop()
            self._write("\n")
        elif tag == "tbl":
            self._write("\n")

    def _data(self, data: str) -> None:
        if self._in_text:
            self._write(data)

    def _write(self, text: str) -> None:
        if not self._fallbacks:
            self.pieces.append(text)
            self._left -= len(text)


def _refuse(*_: object) -> Never:
    # Word files have no document type; entities, the bombs among them, need one
    raise Damaged
