"""The files that can be searched (spec 06 §1.3), by the extension of their names.

Pictures and archives cannot: the original refused them too. It refused .csv, .jsonl, workbooks
and what else is not in its list as well.
"""

from pathlib import PurePosixPath
from typing import Literal

Code = Literal["unsupported_file", "invalid_file", "server_error"]

# Text in UTF-8, UTF-16 or ASCII; HTML and XML in what they declare.
TEXTS = frozenset(
    "c cpp cs css csv go h hpp htm html ini ipynb java js json jsonl jsx kt log markdown md"  # noqa: SIM905
    " mdx php py rb rs rst sh sql swift tex toml ts tsx txt xml yaml yml".split()
)
# Text has to be got out of these; messages call them so.
DOCUMENTS = {
    "doc": "a Word 97-2003 file",
    "docx": "a Word file",
    "eml": "an e-mail",
    "epub": "an EPUB book",
    "odt": "an OpenDocument text",
    "pdf": "a PDF file",
    "pptx": "a PowerPoint file",
    "rtf": "an RTF file",
    "xlsx": "a workbook",
}
SUPPORTED = TEXTS | DOCUMENTS.keys()


class Unparsable(Exception):
    """No text can be had from a file; `code` and `message` are its `last_error` (spec 06 §1.5).

    `unsupported_file`: its type. `invalid_file`: what it holds, or how much. `server_error`: the
    file is not to blame, and the same file may be parsed another time.
    """

    def __init__(self, message: str, *, code: Code = "invalid_file") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def extension(filename: str) -> str:
    """The last extension of a name in lower case without its dot, or nothing."""
    return PurePosixPath(filename).suffix[1:].lower()


def refusal(filenames: list[str]) -> str | None:
    """The text that refuses those files that are not supported (spec 05 §3.5), if there are any."""
    refused = sorted({extension(name) for name in filenames} - SUPPORTED)
    if not refused:
        return None
    shown = ", ".join(f".{each}" if each else "none" for each in refused)
    return f"Files with extensions [{shown}] are not supported for retrieval."


def supported(filename: str) -> str:
    """The extension of a file that can be searched; raises `Unparsable` for any other."""
    if text := refusal([filename]):
        raise Unparsable(text, code="unsupported_file")
    return extension(filename)
