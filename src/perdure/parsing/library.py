"""The files that kreuzberg reads, and the settings that it gets."""

import kreuzberg

from perdure.parsing.packages import BloatedFile, DamagedFile
from perdure.parsing.parsed_text import TextWriter

_MIME_TYPES = {
    "doc": "application/msword",
    "rtf": "application/rtf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ProtectedFile(Exception):
    """The file needs a password."""


def extract_plain(content: bytes, extension: str) -> str:
    """Returns the text of a file. Raises `ProtectedFile`, `BloatedFile` or `DamagedFile`."""
    return _extract(content, extension, "plain").content


def extract_html(content: bytes, extension: str) -> str:
    """Returns a file as an HTML page, with its headings, tables and links; see `extract_plain`."""
    return _extract(content, extension, "html").content


def write_workbook(content: bytes, writer: TextWriter) -> None:
    """Writes the sheets of a workbook, each a heading and a table; see `extract_plain`."""
    found = _extract(content, "xlsx", "plain")
    names = found.metadata.get("sheet_names") or []
    for table in found.tables:
        writer.begin_heading(1)
        writer.write(names[table.page_number - 1] if table.page_number <= len(names) else "")
        writer.end_heading()
        writer.begin_table()
        for row in table.cells:
            writer.begin_row()
            for cell in row:
                writer.begin_cell()
                writer.write(cell)
            writer.end_row()
        writer.end_table()


def _extract(content: bytes, extension: str, output: str) -> kreuzberg.ExtractionResult:
    try:
        return kreuzberg.extract_bytes_sync(content, _MIME_TYPES[extension], _config(output))
    except kreuzberg.KreuzbergError as error:
        if "password" in str(error).lower():
            raise ProtectedFile from error
        if "security limit" in str(error).lower():
            raise BloatedFile from error
        raise DamagedFile from error


def _config(output: str) -> kreuzberg.ExtractionConfig:
    return kreuzberg.ExtractionConfig(
        use_cache=False,  # it would be a folder of users' texts
        enable_quality_processing=False,  # it guesses at what is rubbish, and drops it
        max_concurrent_extractions=1,
        output_format=output,
    )
