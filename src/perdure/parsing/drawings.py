"""Charts and diagrams inside of Office files, as text."""

from perdure.parsing.packages import Attributes, Package, Relation, attribute, number, relation_id
from perdure.parsing.parsed_text import TextWriter

# The labels of points, and their values; bubbles have a size as well.
_LABELS = frozenset({"cat", "xVal"})
_VALUES = frozenset({"val", "yVal"})


def write_drawing(
    tag: str,
    attributes: Attributes,
    *,
    package: Package,
    relations: dict[str, Relation],
    writer: TextWriter,
) -> None:
    """Writes the chart or the diagram that an element refers to, if it does."""
    if tag == "chart":
        relation = relations.get(relation_id(attributes))
        reader: _Chart | _Diagram = _Chart()
    elif tag == "relIds":
        relation = relations.get(relation_id(attributes, "dm"))
        reader = _Diagram(writer)
    else:
        return
    if relation is None or relation.is_external or relation.target not in package.names:
        return
    writer.end_paragraph()
    package.read_xml(relation.target, reader)
    if isinstance(reader, _Chart):
        reader.write(writer)
    writer.end_paragraph()


class _Series:
    def __init__(self) -> None:
        self.name = ""
        self.labels: dict[int, str] = {}
        self.values: dict[int, str] = {}


class _Chart:
    """Collects what a chart shows: its titles, and the figures of its series."""

    def __init__(self) -> None:
        self._titles: list[str] = []
        self._all: list[_Series] = []
        self._series: _Series | None = None
        self._path: list[str] = []
        self._point = 0
        self._text = ""

    def start(self, tag: str, attributes: Attributes) -> None:
        self._path.append(tag)
        if tag == "ser":
            self._series = _Series()
            self._all.append(self._series)
        elif tag == "title":
            self._titles.append("")
        elif tag == "pt":
            self._point = number(attributes, "idx", 0)
        elif tag in ("v", "t"):
            self._text = ""

    def data(self, text: str) -> None:
        if self._path[-1] in ("v", "t"):
            self._text += text

    def end(self, tag: str) -> None:
        self._path.pop()
        if tag == "ser":
            self._series = None
        elif tag == "t" and "title" in self._path and self._titles:
            self._titles[-1] += self._text
        elif tag == "v" and self._series is not None:
            self._add(self._series)

    def _add(self, series: _Series) -> None:
        inside = set(self._path[self._path.index("ser") :])
        if "tx" in inside:
            series.name = f"{series.name} {self._text}".strip()
        elif inside & _LABELS:
            # categories of several levels come one level after the other
            before = series.labels.get(self._point)
            series.labels[self._point] = f"{self._text} {before}" if before else self._text
        elif inside & _VALUES:
            series.values[self._point] = self._text

    def write(self, writer: TextWriter) -> None:
        """Writes the titles, and a table with a column for each series."""
        for title in self._titles:
            writer.write(title)
            writer.end_line()
        points = sorted({point for series in self._all for point in series.values})
        if not points:
            return
        labels = {point: label for series in self._all for point, label in series.labels.items()}
        writer.begin_table()
        _write_row(writer, ["", *(series.name for series in self._all)])
        for point in points:
            values = [series.values.get(point, "") for series in self._all]
            _write_row(writer, [labels.get(point, ""), *values])
        writer.end_table()


def _write_row(writer: TextWriter, cells: list[str]) -> None:
    writer.begin_row()
    for cell in cells:
        writer.begin_cell()
        writer.write(cell)
    writer.end_row()


class _Diagram:
    """Writes the texts of a SmartArt diagram, a line for each."""

    def __init__(self, writer: TextWriter) -> None:
        self._writer = writer
        self._in_text = False

    def start(self, tag: str, attributes: Attributes) -> None:
        self._in_text = tag == "t" and not attribute(attributes, "type")

    def data(self, text: str) -> None:
        if self._in_text:
            self._writer.write(text)

    def end(self, tag: str) -> None:
        self._in_text = False
        if tag == "p":
            self._writer.end_line()
