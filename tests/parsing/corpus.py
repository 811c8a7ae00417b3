"""Writes files of further types by hand, each with things that are easily read wrongly, and has the
text that is expected of each.
"""

import json
import zipfile
from email.message import EmailMessage
from io import BytesIO

_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def packed(files: dict[str, str | bytes]) -> bytes:
    """An archive of files."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def odt(body: str) -> bytes:
    """An OpenDocument text with this body."""
    names = (
        f'xmlns:office="{_OFFICE}" xmlns:text="{_TEXT}" xmlns:table="{_TABLE}" '
        'xmlns:xlink="http://www.w3.org/1999/xlink"'
    )
    content = (
        f"<office:document-content {names}><office:body><office:text>{body}"
        "</office:text></office:body></office:document-content>"
    )
    return packed({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content})


ODT = odt(
    "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes>"
    '<text:h text:outline-level="1">Her<text:span>ons</text:span></text:h>'
    '<text:p>Wind<text:span>kraft</text:span>anlage<text:s text:c="2"/>AT&amp;T<text:tab/>x'
    '<text:line-break/>y <text:a xlink:href="https://e.org/a">link</text:a>'
    "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>A note."
    "</text:p></text:note-body></text:note>.</text:p>"
    "<table:table><table:table-row><table:table-cell><text:p>Plan</text:p></table:table-cell>"
    "<table:table-cell><text:p>Trial</text:p></table:table-cell>"
    "<table:table-cell><text:p>Price</text:p></table:table-cell></table:table-row>"
    "<table:table-row><table:table-cell><text:p>Basic</text:p><text:p>plan</text:p>"
    "</table:table-cell><table:table-cell/><table:table-cell><text:p>9</text:p>"
    "</table:table-cell></table:table-row></table:table>"
)
ODT_TEXT = (
    "Herons\n\nWindkraftanlage  AT&T\tx\ny link (https://e.org/a).\n\n"
    "Plan | Trial | Price\nBasic plan |  | 9\n\n1A note."
)


def epub(*chapters: str, title: str = "The Book of Herons") -> bytes:
    """A book of chapters, of which the archive has the last one first."""
    pages = {f"OEBPS/c {number}.xhtml": page for number, page in enumerate(chapters)}
    items = "".join(
        f'<item id="c{number}" href="c%20{number}.xhtml" media-type="application/xhtml+xml"/>'
        for number in reversed(range(len(chapters)))
    )
    order = "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
    return packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OEBPS/b.opf"/>'
            "</rootfiles></container>",
            "OEBPS/b.opf": '<package xmlns:dc="urn:dc"><metadata><dc:title>'
            f"{title}</dc:title></metadata><manifest>{items}</manifest><spine>{order}</spine>"
            "</package>",
            **dict(reversed(pages.items())),
        }
    )


_XHTML = (
    '<?xml version="1.0"?><!DOCTYPE html><html><head><title>t</title></head><body>{}</body></html>'
)
EPUB = epub(
    _XHTML.format("<h1>First</h1><p>Wind<b>kraft</b>&shy;anlage &amp; more</p>"),
    _XHTML.format("<h1>Second</h1><table><tr><td>a</td><td></td><td>b</td></tr></table>"),
)
EPUB_TEXT = "The Book of Herons\n\nFirst\n\nWindkraftanlage & more\n\nSecond\n\na |  | b"


def eml() -> bytes:
    """An e-mail in two forms, with an attachment and another e-mail."""
    inner = EmailMessage()
    inner["Subject"], inner["From"] = "Inner", "c@e.org"
    inner.set_content("<p>The <b>inner</b> text</p>", subtype="html")
    message = EmailMessage()
    message["From"], message["To"] = "Jürgen <j@e.org>", "b@e.org"
    message["Subject"] = "Grüße an alle, die auf die Reiher warten und nichts anderes tun"
    message.set_content("Der Reiher wartet.\n\nGrüße\n", charset="iso-8859-1")
    message.add_alternative("<p>Der Reiher wartet.</p>", subtype="html")
    message.add_attachment(b"data", maintype="application", subtype="pdf", filename="Plan ä.pdf")
    message.add_attachment(inner)
    return message.as_bytes()


EML_TEXT = (
    "Subject: Grüße an alle, die auf die Reiher warten und nichts anderes tun\n"
    "From: Jürgen <j@e.org>\nTo: b@e.org\n\nDer Reiher wartet.\n\nGrüße\n\n"
    "Attachment: Plan ä.pdf\nSubject: Inner\nFrom: c@e.org\n\nThe inner text"
)

RTF = (
    rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Arial;}}\f0 Wind\b kraft\b0 anlage gr\'fc\'df"
    rb"e \u26085?\par Second {\field{\*\fldinst{HYPERLINK "
    rb'"https://e.org/x"}}{\fldrslt here}}\par'
    rb"\trowd\cellx1000\cellx2000\cellx3000 Plan\cell Trial\cell Price\cell\row"
    rb"\trowd\cellx1000\cellx2000\cellx3000 Basic\cell\cell 9\cell\row}"
)
RTF_TEXT = (
    "Windkraftanlage grüße 日\n\nSecond here (https://e.org/x)\n\n"
    "Plan | Trial | Price\nBasic |  | 9"
)

NOTEBOOK = json.dumps(
    {
        "nbformat": 4,
        "cells": [
            {"cell_type": "markdown", "source": ["# Herons ü\n", "They wait."]},
            {
                "cell_type": "code",
                "source": "x = 1\nprint('a\\n')",
                "outputs": [
                    {"output_type": "stream", "text": ["a\n", "\n"]},
                    {
                        "output_type": "display_data",
                        "data": {"image/png": "aaaa", "text/plain": ["<Figure>"]},
                    },
                    {"output_type": "error", "ename": "KeyError", "evalue": "'b'"},
                ],
            },
            {"cell_type": "raw", "source": "raw"},
        ],
    }
).encode()
NOTEBOOK_TEXT = (
    "# Herons ü\nThey wait.\n\n```\nx = 1\nprint('a\\n')\n```\n\n```\na\n```\n\n"
    "```\n<Figure>\n```\n\n```\nKeyError: 'b'\n```\n\nraw"
)


def xlsx(*sheets: tuple[str, list[list[str | float | None]]]) -> bytes:
    """A workbook of named sheets."""
    listed = "".join(
        f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>'
        for number, (name, _) in enumerate(sheets, 1)
    )
    related = "".join(
        f'<Relationship Id="r{number}" Type="{_RELATIONS}/worksheet" '
        f'Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, len(sheets) + 1)
    )
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="application/'
        'vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        for number in range(1, len(sheets) + 1)
    )
    return packed(
        {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default '
            'Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships'
            '+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.'
            f'openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>{types}</Types>',
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship '
            f'Id="w" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{_SHEET}" xmlns:r="{_RELATIONS}"><sheets>{listed}'
            "</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f"{related}</Relationships>",
            **{
                f"xl/worksheets/sheet{number}.xml": _sheet(rows)
                for number, (_, rows) in enumerate(sheets, 1)
            },
        }
    )


def _sheet(rows: list[list[str | float | None]]) -> str:
    written = "".join(
        f'<row r="{number}">{"".join(_cell(number, *cell) for cell in enumerate(row))}</row>'
        for number, row in enumerate(rows, 1)
    )
    return f'<worksheet xmlns="{_SHEET}"><sheetData>{written}</sheetData></worksheet>'


def _cell(row: int, column: int, value: str | float | None) -> str:
    place = f"{chr(ord('A') + column)}{row}"
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


XLSX = xlsx(
    ("Plans", [["Prices of 2026"], ["Plan", "Trial", "Price"], ["Basic", None, 9.5], [], ["Pro"]]),
    ("Second", [["only"]]),
)
XLSX_TEXT = "Plans\n\nPrices of 2026\nPlan | Trial | Price\nBasic |  | 9.5\nPro\n\nSecond\n\nonly"
