"""The encodings of texts. Nothing is guessed: what a page does not declare is UTF-8 or UTF-16."""

import codecs
import re

_HEAD_BYTES = 1024
# How browsers understand the names that differ from Python's.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    # a page whose declaration can be read as ASCII is in neither of them
    "utf-16": "utf-8",
    "utf-16-le": "utf-8",
    "utf-16-be": "utf-8",
}
# Those that a page may declare, by Python's names. None of Python's others that run code or unpack.
_DECLARABLE = frozenset(
    "utf-8 cp866 cp874 cp932 cp949 gb18030 big5hkscs euc_jp iso2022_jp koi8-r koi8-u"  # noqa: SIM905
    " mac-roman mac-cyrillic cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258"
    " iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-10"
    " iso8859-13 iso8859-14 iso8859-15 iso8859-16".split()
)
_NAMES = {
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "x-gbk": "gb18030",
    "x-mac-cyrillic": "mac-cyrillic",
}
_DECLARED = (
    re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']?\s*([\w.:-]{1,40})"),
    re.compile(rb"<meta\s[^>]{0,500}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE),
)


def decode(content: bytes, *, may_declare: bool = False) -> str:
    """Returns a text in UTF-8, UTF-16 or ASCII or, where it may, in the encoding that it declares.

    A page that is UTF-8 as well as anything else is UTF-8, whatever it says: many were converted,
    and still declare what they were. Raises `UnicodeDecodeError`; characters that a declared
    encoding does not have are replaced.
    """
    declared = _declared(content) if may_declare else None
    try:
        text = content.decode(_evident(content))
    except UnicodeDecodeError:
        if declared is None or declared == "utf-8":
            raise
        return content.decode(declared, "replace")
    if declared == "iso2022_jp" and content.isascii():
        return content.decode(declared, "replace")
    return text


def _evident(content: bytes) -> str:
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


def declarable(name: str) -> str | None:
    """Returns Python's name of an encoding that a page may declare; None for any other."""
    name = name.lower()
    try:
        python = codecs.lookup(_NAMES.get(name, name)).name
    except (LookupError, ValueError):
        return None
    python = _SUPERSETS.get(python, python)
    return python if python in _DECLARABLE else None


def _declared(content: bytes) -> str | None:
    """Returns the encoding that a page or XML declares at its beginning."""
    for declaration in _DECLARED:
        if found := declaration.search(content[:_HEAD_BYTES]):
            return declarable(found[1].decode())
    return None
