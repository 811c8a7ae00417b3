"""The bytes of a file become its text. Runs inside a process that the file may kill."""

import codecs
import os
import re
from typing import BinaryIO

import kreuzberg

from perdure.parsing import docx, html, pdf
from perdure.parsing.formats import DOCUMENTS, Unparsable
from perdure.parsing.limits import ParsingLimits

_NAMES = {
    "doc": "Word 97-2003 file",
    "docx": "Word file",
    "pdf": "PDF file",
    "pptx": "PowerPoint file",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
# How a document begins; a PDF file may have some rubbish before.
_BEGINNINGS = {"doc": _OLE, "docx": _ZIP, "pptx": _ZIP, "pdf": b"%PDF-"}
_HEAD_BYTES = 1024

_CONFIG = kreuzberg.ExtractionConfig(
    use_cache=False,  # it would be a folder of users' texts
    enable_quality_processing=False,  # it guesses at what is rubbish, and drops it
    max_concurrent_extractions=1,
)
# Without these, since PostgreSQL stores no NUL and models have no use for the others.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
# More control characters than these few, and than one in so many characters, and it is no text.
_CONTROLS_ALWAYS = 8
_CHARACTERS_PER_CONTROL = 20


def extract(file: BinaryIO, *, extension: str, limits: ParsingLimits) -> str:
    """The text of a file, without control characters; lone surrogates cannot come in.

    Raises `Unparsable` where there is none, where it is not what its extension says, or where it
    is too long.
    """
    size = os.fstat(file.fileno()).st_size
    limits.check_size(size)
    if extension == "docx":
        text = _read_docx(file, limits)
    elif extension == "pdf":
        text = _read_pdf(file.read(), limits)
    elif extension in DOCUMENTS:
        text = _parse(file.read(), extension)
    else:
        # no character has more than four bytes
        if size > 4 * limits.characters:
            raise _too_long(limits)
        text = _decode(file.read())
        if extension == "html":
            text = html.text_of(text)
    text = _CONTROLS.sub("", text)
    if len(text) > limits.characters:
        raise _too_long(limits)
    if not text or text.isspace():
        raise _invalid("no text was found in it; pictures of text are not read")
    return text


def _parse(content: bytes, extension: str) -> str:
    _check(content[:_HEAD_BYTES], extension)
    try:
        return kreuzberg.extract_bytes_sync(content, DOCUMENTS[extension], _CONFIG).content
    except kreuzberg.KreuzbergError as error:
        if "password" in str(error).lower():
            raise _protected() from error
        if "security limit" in str(error).lower():
            raise _bloated() from error
        raise _damaged(extension) from error


def _read_docx(file: BinaryIO, limits: ParsingLimits) -> str:
    _check(file.read(_HEAD_BYTES), "docx")
    try:
        return docx.text_of(file, limits)
    except docx.Bloated as error:
        raise _bloated() from error
    except docx.Damaged as error:
        raise _damaged("docx") from error


def _read_pdf(content: bytes, limits: ParsingLimits) -> str:
    _check(content[:_HEAD_BYTES], "pdf")
    try:
        return pdf.text_of(content, limits.characters)
    except pdf.UnreadablePdf as error:
        raise (_protected() if error.protected else _damaged("pdf")) from error


def _check(head: bytes, extension: str) -> None:
    expected = _BEGINNINGS[extension]
    if head.startswith(expected) or (extension == "pdf" and expected in head):
        return
    if expected == _ZIP and head.startswith(_OLE):
        # that is how Office wraps what it encrypts
        raise _invalid(
            "it is protected by a password, or in the format of Office 97-2003 in spite of its name"
        )
    raise _invalid(f"it is named .{extension}, but it is not a {_NAMES[extension]}")


def _decode(content: bytes) -> str:
    try:
        text = content.decode(_encoding_of(content))
    except UnicodeDecodeError as error:
        raise _invalid("it is not text in UTF-8, UTF-16 or ASCII") from error
    controls = _CONTROLS.subn("", text)[1]
    if controls > _CONTROLS_ALWAYS and controls > len(text) // _CHARACTERS_PER_CONTROL:
        raise _invalid("it holds binary data where its name promises text")
    return text


def _encoding_of(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # without a mark, the zeros of Latin letters tell
    head = content[:_HEAD_BYTES]
    zeros = len(head) // 4
    if head[1::2].count(0) > zeros > head[::2].count(0):
        return "utf-16-le"
    if head[::2].count(0) > zeros > head[1::2].count(0):
        return "utf-16-be"
    return "utf-8-sig"


def _invalid(reason: str) -> Unparsable:
    return Unparsable(f"The file could not be parsed: {reason}.")


def _protected() -> Unparsable:
    return _invalid("it is protected by a password")


def _damaged(extension: str) -> Unparsable:
    return _invalid(f"it is damaged, or not a {_NAMES[extension]}")


def _bloated() -> Unparsable:
    return _invalid("it unpacks to far more than its size")


def _too_long(limits: ParsingLimits) -> Unparsable:
    return _invalid(f"its text is longer than {limits.characters:,} characters")
