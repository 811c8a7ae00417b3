"""The bytes of a file become its text. Runs inside a process that the file may kill."""

import os
from collections.abc import Callable
from typing import BinaryIO

from perdure.parsing import (
    docx,
    encodings,
    epub,
    html,
    library,
    mail,
    notebook,
    odt,
    pdf,
    plain_texts,
    pptx,
    text_marks,
)
from perdure.parsing.formats import DOCUMENTS, Unparsable
from perdure.parsing.limits import ParsingLimits
from perdure.parsing.packages import BloatedFile, DamagedFile
from perdure.parsing.parsed_text import CONTROLS, ParsedText, TextTooLong, TextWriter, clean

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_RTF = b"{\\rtf"
_ZIP = b"PK\x03\x04"
# How a document begins; a PDF file may have some rubbish before.
_BEGINNINGS = {
    "doc": _OLE,
    "docx": _ZIP,
    "eml": b"",
    "epub": _ZIP,
    "odt": _ZIP,
    "pdf": b"%PDF-",
    "pptx": _ZIP,
    "rtf": _RTF,
    "xlsx": _ZIP,
}
_HEAD_BYTES = 1024

# More control characters than these few, and than one in so many characters, and it is no text.
_CONTROLS_ALWAYS = 8
_CHARACTERS_PER_CONTROL = 20
_PAGES = frozenset({"htm", "html"})
_MAY_DECLARE = _PAGES | {"xml"}

_MARKDOWN = frozenset({"markdown", "md", "mdx"})
_JSON = frozenset({"ipynb", "json", "jsonl"})

_WRITERS: dict[str, Callable[[BinaryIO, TextWriter, ParsingLimits], None]] = {
    "docx": docx.write_document,
    "eml": lambda file, writer, _: mail.write_mail(file.read(), writer),
    "epub": epub.write_book,
    "odt": odt.write_text,
    "pptx": pptx.write_presentation,
    "rtf": lambda file, writer, _: html.write_page(
        library.extract_html(file.read(), "rtf"), writer
    ),
    "xlsx": lambda file, writer, _: library.write_workbook(file.read(), writer),
}


def extract(file: BinaryIO, *, extension: str, limits: ParsingLimits) -> ParsedText:
    """Returns the text of a file, without control characters; lone surrogates cannot come in.

    Raises `Unparsable` where there is none, where it is not what its extension says, or where it
    is too long.
    """
    size = os.fstat(file.fileno()).st_size
    limits.check_size(size)
    # no character has more than four bytes
    if extension not in DOCUMENTS and size > 4 * limits.characters:
        raise _too_long(limits)
    try:
        if extension in DOCUMENTS:
            found = _read_document(file, extension, limits)
        else:
            found = _read_text(file.read(), extension, limits)
    except TextTooLong as error:
        raise _too_long(limits) from error
    if len(found.text) > limits.characters:
        raise _too_long(limits)
    if not found.text or found.text.isspace():
        raise _invalid("no text was found in it; pictures of text are not read")
    return found


def _read_document(file: BinaryIO, extension: str, limits: ParsingLimits) -> ParsedText:
    head = file.read(_HEAD_BYTES)
    if extension == "doc":  # many a program names others so
        extension = "docx" if head.startswith(_ZIP) else extension
        extension = "rtf" if head.startswith(_RTF) else extension
    _check(head, extension)
    file.seek(0)
    try:
        if extension == "pdf":
            return ParsedText(clean(pdf.text_of(file.read(), limits.characters)))
        if (write := _WRITERS.get(extension)) is None:
            return ParsedText(clean(library.extract_plain(file.read(), extension)))
        writer = TextWriter(limits.characters)
        write(file, writer, limits)
        return writer.finish()
    except (library.ProtectedFile, pdf.ProtectedPdf) as error:
        raise _invalid("it is protected by a password") from error
    except BloatedFile as error:
        raise _invalid("it unpacks to far more than its size") from error
    except docx.UnreadablePart as error:
        raise _invalid("it has a document inside that cannot be read") from error
    except DamagedFile as error:
        raise _invalid(f"it is damaged, or not {DOCUMENTS[extension]}") from error


def _check(head: bytes, extension: str) -> None:
    expected = _BEGINNINGS[extension]
    if head.startswith(expected) or (extension == "pdf" and expected in head):
        return
    if expected == _ZIP and head.startswith(_OLE):
        # that is how Office wraps what it encrypts
        raise _invalid(
            "it is protected by a password, or in the format of Office 97-2003 in spite of its name"
        )
    raise _invalid(f"it is named .{extension}, but it is not {DOCUMENTS[extension]}")


def _read_text(content: bytes, extension: str, limits: ParsingLimits) -> ParsedText:
    text = _decode(content, extension)
    if extension in _PAGES:
        writer = TextWriter(limits.characters)
        html.write_page(text, writer)
        return writer.finish()
    if extension == "ipynb" and (markdown := notebook.read_notebook(text)) is not None:
        text, extension = markdown, "md"
    if extension in _JSON:
        text = plain_texts.read_escapes(text)
    text = clean(plain_texts.pass_over_contents(text))
    if extension in _MARKDOWN:
        return text_marks.mark_markdown(text)
    return text_marks.mark_rows(text) if extension == "csv" else ParsedText(text)


def _decode(content: bytes, extension: str) -> str:
    try:
        text = encodings.decode(content, may_declare=extension in _MAY_DECLARE)
    except UnicodeDecodeError as error:
        raise _invalid("it is not text in UTF-8, UTF-16 or ASCII") from error
    controls = CONTROLS.subn("", text)[1]
    if controls > _CONTROLS_ALWAYS and controls > len(text) // _CHARACTERS_PER_CONTROL:
        raise _invalid("it holds binary data where its name promises text")
    return text


def _invalid(reason: str) -> Unparsable:
    return Unparsable(f"The file could not be parsed: {reason}.")


def _too_long(limits: ParsingLimits) -> Unparsable:
    return _invalid(f"its text is longer than {limits.characters:,} characters")
