"""Every class of page of a PDF file is read wholly, once, and in the order of reading."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.parsing import pdf
from perdure.parsing.pdf_layout import page_text, space_from
from perdure.parsing.pdf_words import Box, Joint, Word
from tests.parsing import pdf_corpus, pdf_layers, samples
from tests.parsing.pdf_corpus import MAKERS, Maker
from tests.parsing.pdf_scores import Score, score
from tests.parsing.pdf_writer import PdfWriter

_CHARACTERS = 1_000_000


def _text(file: bytes) -> str:
    return pdf.text_of(file, _CHARACTERS)


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: f"{maker.kind}: {maker.name}")
def test_all_words_are_read_once_and_in_order(maker: Maker) -> None:
    sample = maker.sample()
    assert score(sample, _text(sample.file)) == Score(recall=1.0, order=1.0, extra=0.0)


def test_a_long_document_is_read_wholly() -> None:
    long = pdf_corpus.long_document(pages=30)
    assert _text(long.file).split() == long.text.split()


def test_lines_and_paragraphs_are_kept_apart() -> None:
    writer = PdfWriter()
    places = [(780, "A heading"), (750, "One line of it"), (735, "and another"), (700, "The next.")]
    writer.page([writer.show(text, 50, y) for y, text in places])
    assert _text(writer.file()) == "A heading\n\nOne line of it\nand another\n\nThe next."


def test_pages_have_an_empty_line_between() -> None:
    assert _text(samples.pdf("One.", pages=2)) == "One. Page 1.\n\nOne. Page 2."


def test_values_stand_beside_their_labels() -> None:
    [form] = [maker.sample() for maker in MAKERS if maker.name == "form"]
    lines = [line for line in _text(form.file).splitlines() if line]
    assert lines == form.text.splitlines()


def test_boxes_that_are_ticked_say_so_and_passwords_stay_hidden() -> None:
    writer = PdfWriter()
    tick = "/FT/Btn/MK<</CA(4)>>/AP<</N<</Yes null/Off null>>>>"
    writer.page(
        [writer.show("Insured", 200, 700), writer.show("Leaking", 200, 650)],
        widgets=[
            pdf_layers.widget(f"/T(insured){tick}/V/Yes/AS/Yes", 700, left=150, right=165),
            pdf_layers.widget(f"/T(leaking){tick}/V/Off/AS/Off", 650, left=150, right=165),
            pdf_layers.widget("/T(key)/FT/Tx/Ff 8192/V(the secret)", 600),
            pdf_layers.widget("/T(hidden)/FT/Tx/F 2/V(not shown)", 550),
        ],
    )
    assert _text(writer.file()).splitlines() == ["[x] Insured", "[ ] Leaking"]


def test_text_that_a_viewer_typed_onto_a_page_is_read() -> None:
    writer = PdfWriter()
    note = (
        b"<</Type/Annot/Subtype/FreeText/Rect[50 600 300 620]/Contents(Paid in June)/DA(/F 12 Tf)>>"
    )
    writer.page([writer.show("Invoice 7", 50, 700)], widgets=[note])
    assert _text(writer.file()) == "Invoice 7\n\nPaid in June"


def test_a_page_that_is_damaged_is_passed_over() -> None:
    writer = PdfWriter()
    writer.page([writer.show("One", 50, 700)])
    writer.page([writer.show("Two", 50, 700)])
    file = writer.file()
    first = file.index(b"/Type/Page/")
    assert _text(file[:first] + b"/Type/Rage/" + file[first + 11 :]).endswith("Two")


@given(st.randoms(use_true_random=False))
def test_the_order_of_words_in_the_file_does_not_matter(chance: random.Random) -> None:
    words = [
        _word(f"{line}.{column}.{number}", column * 300 + number * 40, 700 - 15 * line)
        for column in range(2)
        for line in range(8)
        for number in range(6)
    ]
    in_order = page_text(words)
    assert in_order.split() == [word.text for word in words]
    chance.shuffle(words)
    assert page_text(words) == in_order


def _word(text: str, left: float, bottom: float) -> Word:
    box = Box(left, bottom, left + 38, bottom + 12)
    return Word(text=text, box=box, turns=0, order=0, joint=Joint.SPACE, invisible=False)


@given(
    st.lists(st.floats(0.0, 0.2), min_size=1, max_size=50),
    st.lists(st.floats(0.6, 0.8), min_size=1, max_size=50),
)
def test_two_clear_groups_of_gaps_are_parted_between_them(
    within: list[float], between: list[float]
) -> None:
    assert max(within) <= space_from(within + between) <= min(between)


@given(st.lists(st.floats(0.25, 0.45), max_size=50))
def test_gaps_that_are_alike_are_all_spaces(gaps: list[float]) -> None:
    assert space_from(gaps) < 0.25


_PLACE = st.floats(-1e9, 1e9) | st.sampled_from([0.0, float("nan"), float("inf"), -float("inf")])
_BOXES = st.builds(Box, _PLACE, _PLACE, _PLACE, _PLACE)


@given(st.lists(st.tuples(_BOXES, st.integers(0, 3), st.sampled_from(Joint)), max_size=30))
def test_wherever_words_stand_each_is_read_once(places: list[tuple[Box, int, Joint]]) -> None:
    words = [
        Word(text=f"<{n}>", box=box, turns=turns, order=n, joint=joint, invisible=n % 2 == 0)
        for n, (box, turns, joint) in enumerate(places)
    ]
    text = page_text(words)
    assert [text.count(word.text) for word in words] == [1] * len(words)
