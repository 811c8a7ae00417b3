"""The text of an HTML page as a reader sees it: blocks on lines of their own, no scripts."""

import re
from html.parser import HTMLParser

from perdure.parsing import numerals
from perdure.parsing.parsed_text import TextWriter

_UNSEEN = frozenset({"script", "style", "template"})
# Between these and their neighbours is a blank line, so that whoever cuts the text may cut there.
_PARAGRAPHS = frozenset(
    "address article aside blockquote body dl fieldset figure footer form"  # noqa: SIM905
    " header hr main nav ol p pre section ul".split()
)
_LINES = frozenset(
    "br caption dd details div dt figcaption foreignobject legend li noscript"  # noqa: SIM905
    " optgroup option summary textarea".split()
)
# These stand in a line, and still apart from their neighbours.
_APART = frozenset(
    "audio button canvas iframe img input meter object output progress rt"  # noqa: SIM905
    " select svg text video".split()
)
_HEADINGS = {"title": 0, "h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_SPACE = re.compile(r"[ \t\n\r\f]+")
_LISTS = frozenset({"ol", "ul", "menu", "dir"})
_DEEPEST_LIST = 100
_SEEN_INPUTS = frozenset(
    {"button", "submit", "reset", "text", "email", "number", "date", "url", ""}
)
# Numbers with more digits mean nothing.
_DIGITS = 6
_LONGEST_LINK_TEXT = 2000

_Attributes = dict[str, str | None]


def write_page(page: str, writer: TextWriter, *, has_title: bool = True) -> None:
    """Writes the visible text of a page, and its title if it is said to have one, however badly
    the page is written.
    """
    reader = _Reader(writer, has_title=has_title)
    # The library stumbles over sections that it does not know; to a browser they are comments.
    reader.feed(page.replace("<![", "<! ["))
    reader.close()


class _List:
    """An open list. The next item of an ordered one is `number`."""

    def __init__(self, attributes: _Attributes, *, is_ordered: bool) -> None:
        self.number = _number(attributes.get("start"), 1) if is_ordered else None
        self.kind = attributes.get("type") or "1"
        self.step = -1 if "reversed" in attributes else 1

    def next_label(self, attributes: _Attributes) -> str:
        """Returns what a browser shows in front of the next item, or nothing."""
        if self.number is None:
            return ""
        number = _number(attributes.get("value"), self.number)
        self.number = number + self.step
        if self.kind in ("a", "A"):
            label = numerals.letters(number)
        elif self.kind in ("i", "I"):
            label = numerals.roman(number)
        else:
            label = str(number)
        return f"{label.upper() if self.kind.isupper() else label}. "


class _Reader(HTMLParser):
    """Writes what is seen. Tags that are missing or deep do no harm."""

    def __init__(self, writer: TextWriter, *, has_title: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._writer = writer
        self._passed_over = _UNSEEN if has_title else _UNSEEN | {"title"}
        self._unseen: str | None = None
        self._verbatim = False
        self._lists: list[_List] = []
        # what stands in front of the item that has no text yet
        self._label = ""
        # the address of the open link, and its text so far
        self._address: str | None = None
        self._link_text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._unseen:
            return
        attributes = dict(attrs)
        if tag in self._passed_over:
            self._unseen = tag
        elif tag in _HEADINGS:
            self._writer.begin_heading(_HEADINGS[tag])
        elif tag == "a":
            self._end_link()
            self._address, self._link_text = attributes.get("href"), ""
        elif tag in ("table", "tr", "td", "th"):
            self._begin_in_table(tag, attributes)
        else:
            self._separate(tag, attributes)
            self._begin(tag, attributes)

    def _begin(self, tag: str, attributes: _Attributes) -> None:
        if tag == "pre":
            self._verbatim = True
        elif tag in _LISTS and len(self._lists) < _DEEPEST_LIST:
            self._lists.append(_List(attributes, is_ordered=tag == "ol"))
        elif tag == "li" and self._lists:
            self._label = self._lists[-1].next_label(attributes)
        elif tag in ("img", "area") or (tag == "input" and attributes.get("type") == "image"):
            self._writer.write_alternative(attributes.get("alt") or "")
        elif tag == "input" and (attributes.get("type") or "").lower() in _SEEN_INPUTS:
            self.handle_data(attributes.get("value") or "")

    def _begin_in_table(self, tag: str, attributes: _Attributes) -> None:
        self._end_link()
        if tag == "table":
            self._writer.begin_table()
        elif tag == "tr":
            self._writer.begin_row()
        else:
            columns = _number(attributes.get("colspan"), 1)
            self._writer.begin_cell(columns=columns, rows=_number(attributes.get("rowspan"), 1))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._unseen:
            self._unseen = None
        elif self._unseen:
            return
        elif tag in _HEADINGS:
            self._end_link()
            self._writer.end_heading()
        elif tag == "a":
            self._end_link()
        elif tag == "table":
            self._end_link()
            self._writer.end_table()
        elif tag == "tr":
            self._writer.end_row()
        elif tag in ("td", "th"):
            self._end_link()
            self._writer.end_cell()
        else:
            self._separate(tag, {})
            if tag == "pre":
                self._verbatim = False
            elif tag in _LISTS and self._lists:
                self._lists.pop()

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        if not self._verbatim:
            data = _SPACE.sub(" ", data)
            if self._writer.is_spaced:
                data = data.removeprefix(" ")
        if self._label and not data.isspace():
            self._writer.write(self._label)
            self._label = ""
            data = data.lstrip()
        if data:
            self._writer.write(data)
            if self._address and len(self._link_text) < _LONGEST_LINK_TEXT:
                self._link_text += data

    def close(self) -> None:
        super().close()
        self._end_link()
        self._writer.end_heading()

    def _end_link(self) -> None:
        address, self._address = self._address, None
        if address:
            self._writer.write_address(address, self._link_text)

    def _separate(self, tag: str, attributes: _Attributes) -> None:
        if tag in _PARAGRAPHS:
            self._writer.end_paragraph()
        elif tag in _LINES:
            self._writer.end_line()
        elif tag in _APART or (tag == "tspan" and not attributes.keys().isdisjoint(("x", "dy"))):
            self._writer.separate()


def _number(written: str | None, default: int) -> int:
    digits = (written or "").strip()
    return int(digits) if digits.isdecimal() and len(digits) <= _DIGITS else default
