"""What is read of a PowerPoint file: all that its slides and its notes say, in order."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from pptx import Presentation
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml.ns import qn
from pptx.util import Inches

from perdure.parsing import pptx
from perdure.parsing.limits import ParsingLimits
from perdure.parsing.parsed_text import ParsedText, TextWriter

# Half of the library has types, and half of these are wrong.
_CATEGORIES: Any = CategoryChartData
_POINTS: Any = XyChartData
_BOX = (Inches(1), Inches(1), Inches(4), Inches(3))


def _parsed(*fills: Callable[[Any], None]) -> ParsedText:
    presentation = Presentation()
    for fill in fills:
        fill(presentation.slides.add_slide(presentation.slide_layouts[1]))
    file = BytesIO()
    presentation.save(file)
    writer = TextWriter(1_000_000)
    pptx.write_presentation(file, writer, ParsingLimits())
    return writer.finish()


def _text(fill: Callable[[Any], None]) -> str:
    return _parsed(fill).text.strip()


def test_a_word_of_several_runs_is_one_word() -> None:
    def fill(slide: Any) -> None:
        paragraph = slide.placeholders[1].text_frame.paragraphs[0]
        for place, text in enumerate(["Main", "tenance of the ", "Wind", "kraftanlage"]):
            run = paragraph.add_run()
            run.text, run.font.bold = text, bool(place % 2)
        paragraph.add_line_break()
        paragraph.add_run().text = "below"
        slide.placeholders[1].text_frame.add_paragraph().text = "AT&T <x>"

    assert _text(fill) == "Maintenance of the Windkraftanlage\nbelow\nAT&T <x>"


def test_slides_are_in_their_order_with_titles_and_notes() -> None:
    def fill(name: str) -> Callable[[Any], None]:
        def write(slide: Any) -> None:
            slide.shapes.title.text = f"Title {name}"
            slide.placeholders[1].text = f"text {name}"
            slide.notes_slide.notes_text_frame.text = f"note {name}"

        return write

    text, headings, _ = _parsed(fill("a"), fill("b"))
    slides = [f"Title {name}\n\ntext {name}\n\nNotes:\n\nnote {name}\n\n" for name in "ab"]
    assert text == "".join(slides)
    assert [text[mark.start : mark.end] for mark in headings] == ["Title a", "Title b"]


def test_the_figures_of_charts_are_read() -> None:
    def fill(slide: Any) -> None:
        data = _CATEGORIES()
        data.categories = ["Q1", "Q2"]
        data.add_series("North", (4.5, 2))
        data.add_series("South", (None, 7))
        chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *_BOX, data).chart
        chart.has_title = True
        chart.chart_title.text_frame.text = "Sales of herons"

    assert _text(fill) == "Sales of herons\n\n | North | South\nQ1 | 4.5\nQ2 | 2 | 7"


def test_the_figures_of_a_scatter_chart_are_read() -> None:
    def fill(slide: Any) -> None:
        data = _POINTS()
        series = data.add_series("Run")
        series.add_data_point(0.5, 10)
        series.add_data_point(1, 20)
        slide.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, *_BOX, data)

    assert _text(fill) == " | Run\n0.5 | 10\n1 | 20".strip()


def test_cells_of_a_table_keep_their_places() -> None:
    def fill(slide: Any) -> None:
        table = slide.shapes.add_table(3, 3, *_BOX).table
        for row, cells in enumerate((["Plan", "Trial", "Price"], ["Basic", "", "9"])):
            for column, text in enumerate(cells):
                table.cell(row, column).text = text
        table.cell(2, 0).merge(table.cell(2, 1))
        table.cell(2, 0).text, table.cell(2, 2).text = "one\ntwo", "x"

    parsed = _parsed(fill)
    assert parsed.text.strip() == "Plan | Trial | Price\nBasic |  | 9\none two |  | x"
    [table] = parsed.tables
    assert parsed.text[table.start : table.heading_end] == "Plan | Trial | Price"


def test_the_text_of_merged_cells_stands_once() -> None:
    def fill(slide: Any) -> None:
        table = slide.shapes.add_table(3, 3, *_BOX).table
        for number, cell in enumerate(table.iter_cells()):
            cell.text = f"c{number}"
        table.cell(0, 0).merge(table.cell(1, 0))
        table.cell(1, 1).merge(table.cell(2, 2))

    assert _parsed(fill).text.strip() == "c0 c3 | c1 | c2\n | c4 c5 c7 c8\nc6"


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("arabicPeriod", ["1. a", "2. b", "c", "1. d"]),
        ("romanUcParenBoth", ["(I) a", "(II) b", "c", "(I) d"]),
        ("alphaLcParenR", ["a) a", "b) b", "c", "a) d"]),
    ],
)
def test_items_have_the_numbers_that_powerpoint_shows(kind: str, labels: list[str]) -> None:
    def fill(slide: Any) -> None:
        frame = slide.placeholders[1].text_frame
        for place, text in enumerate("abcd"):
            paragraph = frame.paragraphs[0] if not place else frame.add_paragraph()
            paragraph.text = text
            if text != "c":
                properties = paragraph._p.get_or_add_pPr()
                properties.append(properties.makeelement(qn("a:buAutoNum"), {"type": kind}))

    assert _text(fill).split("\n") == labels


def test_addresses_texts_of_pictures_and_groups_are_read() -> None:
    def fill(slide: Any) -> None:
        run = slide.placeholders[1].text_frame.paragraphs[0].add_run()
        run.text, run.hyperlink.address = "manual", "https://e.org/a"
        box = slide.shapes.add_group_shape().shapes.add_textbox(*_BOX)
        box.text_frame.text = "in a group"
        box._element.nvSpPr.cNvPr.set("descr", "Wiring diagram")

    assert _text(fill).split("\n\n") == ["manual (https://e.org/a)", "Wiring diagram in a group"]
