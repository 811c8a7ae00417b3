"""The text of an EPUB book: its chapters, which are HTML pages, in the order of its spine."""

import posixpath
from typing import BinaryIO

from perdure.parsing import encodings, html
from perdure.parsing.limits import ParsingLimits
from perdure.parsing.packages import Attributes, DamagedFile, Package, open_package, resolve
from perdure.parsing.parsed_text import TextWriter

_CONTAINER = "META-INF/container.xml"
_PAGES = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document"})


def write_book(file: BinaryIO, writer: TextWriter, limits: ParsingLimits) -> None:
    """Writes the text of a book. Raises `DamagedFile` or `BloatedFile`."""
    with open_package(file, limits) as package:
        container = _Container()
        package.read_xml(_CONTAINER, container)
        book = _Book()
        package.read_xml(container.path, book)
        folder = posixpath.dirname(container.path)
        if book.title.strip():
            writer.begin_heading(0)
            writer.write(" ".join(book.title.split()))
            writer.end_heading()
        for name in book.chapters():
            _write_chapter(package, resolve(folder, name), writer)


def _write_chapter(package: Package, name: str, writer: TextWriter) -> None:
    if name not in package.names:
        return
    try:
        page = encodings.decode(package.read(name), may_declare=True)
    except UnicodeDecodeError as error:  # encrypted, as books that are sold often are
        raise DamagedFile from error
    html.write_page(page, writer, has_title=False)
    writer.end_paragraph()


class _Container:
    """Finds the description of the book."""

    def __init__(self) -> None:
        self.path = ""

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "rootfile" and not self.path:
            self.path = attributes.get("full-path", "")

    def end(self, tag: str) -> None:
        pass

    def data(self, text: str) -> None:
        pass


class _Book:
    """Collects the title of a book, its pages, and their order."""

    def __init__(self) -> None:
        self.title = ""
        self._is_title = False
        self._pages: dict[str, str] = {}
        self._order: list[str] = []

    def chapters(self) -> list[str]:
        """Returns the pages in their order, each once."""
        return [self._pages[page] for page in dict.fromkeys(self._order) if page in self._pages]

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == "title" and not self.title:
            self._is_title = True
        if tag == "item" and attributes.get("media-type", "") in _PAGES:
            self._pages[attributes.get("id", "")] = attributes.get("href", "")
        elif tag == "itemref":
            self._order.append(attributes.get("idref", ""))

    def end(self, tag: str) -> None:
        if tag == "title":
            self._is_title = False

    def data(self, text: str) -> None:
        if self._is_title:
            self.title += text
