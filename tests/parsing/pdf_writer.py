"""Writes PDF files by hand, down to the place of each glyph; no font is embedded or needed."""

from collections.abc import Iterable, Sequence

from fpdf.fonts import CORE_FONTS_CHARWIDTHS

_LATIN = CORE_FONTS_CHARWIDTHS["helvetica"]
_WIDE_FROM = "\u2e80"


class PdfWriter:
    """A PDF file in the making, whose one font has a glyph for whatever text is asked for.

    A glyph may stand for several characters, as a ligature does. Places are in points, from the
    lower left corner.
    """

    def __init__(self) -> None:
        self._objects: list[bytes] = [b"", b"", b"", b""]
        self._pages: list[int] = []
        self._glyphs: dict[str, int] = {}
        self._fields: list[int] = []

    def add(self, content: bytes) -> int:
        """The number of a new object."""
        self._objects.append(content)
        return len(self._objects)

    def page(
        self,
        operators: Iterable[bytes],
        *,
        size: tuple[int, int] = (595, 842),
        rotate: int = 0,
        widgets: Sequence[bytes] = (),
    ) -> None:
        """Adds a page with these operators; `rotate` is how a viewer turns it, in degrees."""
        content = b"\n".join(operators)
        stream = self.add(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
        fields = [self.add(widget) for widget in widgets]
        self._fields += fields
        page = (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Rotate %d/Contents %d 0 R"
            b"/Resources<</Font<</F 3 0 R>>>>/Annots[%s]>>"
        ) % (*size, rotate, stream, _references(fields))
        self._pages.append(self.add(page))

    def codes(self, glyphs: Iterable[str]) -> bytes:
        """The glyphs as a string of a content stream; each is the text that it stands for."""
        found = [self._glyphs.setdefault(each, len(self._glyphs) + 1) for each in glyphs]
        return b"<%s>" % "".join(f"{code:04x}" for code in found).encode()

    def show(
        self,
        glyphs: Iterable[str],
        x: float,
        y: float,
        *,
        size: float = 12,
        turn: tuple[float, float, float, float] = (1, 0, 0, 1),
        before: str = "",
    ) -> bytes:
        """Operators that write glyphs from a place on; `before` sets more of the text's state."""
        matrix = " ".join(f"{each:g}" for each in (*turn, x, y))
        return (
            f"BT /F {size:g} Tf {before} {matrix} Tm {self.codes(glyphs).decode()} Tj ET".encode()
        )

    def file(self) -> bytes:
        """The finished file."""
        self._objects[0] = (
            b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[%s]/DA(/F 0 Tf)"
            % (_references(self._fields))
            + b"/NeedAppearances true/DR<</Font<</F 3 0 R>>>>>>>>"
        )
        self._objects[1] = b"<</Type/Pages/Kids[%s]/Count %d>>" % (
            _references(self._pages),
            len(self._pages),
        )
        to_unicode = self.add(_stream(self._to_unicode()))
        self._objects[2] = (
            b"<</Type/Font/Subtype/Type0/BaseFont/Helvetica/Encoding/Identity-H"
            b"/DescendantFonts[4 0 R]/ToUnicode %d 0 R>>" % to_unicode
        )
        widths = " ".join(f"{code} [{width(each)}]" for each, code in self._glyphs.items())
        self._objects[3] = (
            b"<</Type/Font/Subtype/CIDFontType2/BaseFont/Helvetica/CIDToGIDMap/Identity"
            b"/DW 500/W[%s]"
            b"/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
            b"/FontDescriptor<</Type/FontDescriptor/FontName/Helvetica/Flags 32/Ascent 800"
            b"/Descent -200/CapHeight 700/ItalicAngle 0/StemV 80/FontBBox[0 -200 1000 800]>>>>"
            % widths.encode()
        )
        return _assembled(self._objects)

    def _to_unicode(self) -> bytes:
        lines = [
            f"<{code:04x}> <{text.encode('utf-16-be').hex()}>"
            for text, code in self._glyphs.items()
        ]
        blocks = [
            f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar\n"
            for block in (lines[at : at + 100] for at in range(0, len(lines), 100))
        ]
        return (
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Made def "
            "/CMapType 2 def 1 begincodespacerange <0000> <ffff> endcodespacerange\n"
            + "".join(blocks)
            + "endcmap end end"
        ).encode()


def width(glyph: str) -> int:
    """The width of a glyph in thousandths of the size of its font."""
    if known := sum(_LATIN.get(each, 0) for each in glyph):
        return known
    return 1000 if glyph >= _WIDE_FROM and not "\ufb00" <= glyph[0] <= "\ufefc" else 520


def length(glyphs: Iterable[str], size: float = 12) -> float:
    """How long the glyphs are together, in points."""
    return sum(map(width, glyphs)) * size / 1000


def _stream(content: bytes) -> bytes:
    return b"<</Length %d>>stream\n%s\nendstream" % (len(content), content)


def _references(numbers: Iterable[int]) -> bytes:
    return b" ".join(b"%d 0 R" % number for number in numbers)


def _assembled(objects: list[bytes]) -> bytes:
    file, places = b"%PDF-1.7\n", []
    parts = [file]
    at = len(file)
    for number, each in enumerate(objects, 1):
        places.append(at)
        parts.append(b"%d 0 obj%s endobj\n" % (number, each))
        at += len(parts[-1])
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    parts.append(
        b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (len(objects) + 1, table, len(objects) + 1, at)
    )
    return b"".join(parts)
