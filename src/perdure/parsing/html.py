"""The text of an HTML page as a reader sees it: blocks on lines of their own, no scripts."""

import re
from html.parser import HTMLParser

_UNSEEN = frozenset({"script", "style", "template"})
# Between these and their neighbours is a blank line, so that whoever cuts the text may cut there.
_PARAGRAPHS = frozenset(
    "address article aside blockquote body dl fieldset figure footer form"  # noqa: SIM905
    " h1 h2 h3 h4 h5 h6 header hr main nav ol p pre section table title ul".split()
)
_LINES = frozenset(
    "br caption dd details div dt figcaption legend li option summary tr".split()  # noqa: SIM905
)
_CELLS = frozenset({"td", "th"})
_SPACE = re.compile(r"[ \t\n\r\f]+")


def text_of(page: str) -> str:
    """The visible text of a page, and its title, however badly the page is written."""
    reader = _Reader()
    # The library stumbles over sections that it does not know; to a browser they are comments.
    reader.feed(page.replace("<![", "<! ["))
    reader.close()
    return "".join(reader.pieces)


class _Reader(HTMLParser):
    """Collects what is seen. It keeps no stack, so tags that are missing or deep do no harm."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen: str | None = None
        self._verbatim = False
        # how many line breaks the text ends with; at its beginning there need be none
        self._breaks = 2
        self._spaced = True

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if self._unseen:
            return
        self._separate(tag)
        if tag in _UNSEEN:
            self._unseen = tag
        elif tag == "pre":
            self._verbatim = True

    def handle_endtag(self, tag: str) -> None:
        if tag == self._unseen:
            self._unseen = None
        elif not self._unseen:
            self._separate(tag)
            if tag == "pre":
                self._verbatim = False

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        if not self._verbatim:
            data = _SPACE.sub(" ", data)
            if self._spaced:
                data = data.removeprefix(" ")
        if data:
            self.pieces.append(data)
            self._breaks = 0
            self._spaced = data[-1].isspace()

    def _separate(self, tag: str) -> None:
        breaks = 2 if tag in _PARAGRAPHS else 1 if tag in _LINES else 0
        if breaks > self._breaks:
            self.pieces.append("\n" * (breaks - self._breaks))
            self._breaks = breaks
            self._spaced = True
        elif tag in _CELLS and not self._spaced:
            self.pieces.append(" ")
            self._spaced = True
