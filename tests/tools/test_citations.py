"""Citations: the filter between what a model writes and what a client reads (spec 06 §1.2)."""

# ruff: noqa: RUF001 # the look-alikes of ASCII brackets are what is tested

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.tools.annotation import AnnotatedText
from perdure.tools.file_search.citations import Citer, Source
from perdure.tools.file_search.markers import MarkerKey, marker
from perdure.wire.messages import FileCitationAnnotation

BEES = Source(
    "file-bees", "bees.txt", "A colony of bees keeps its brood nest at thirty-five degrees."
)
RENT = Source("file-rent", "rent.pdf", "The rent is due on the third working day of each month.")
SOURCES = {MarkerKey(4, 0): BEES, MarkerKey(4, 1): RENT}
BEES_MARK, RENT_MARK = "【4:0†bees.txt】", "【4:1†rent.pdf】"


def cite(*pieces: str, attribute: bool = False, verbatim: bool = False) -> list[AnnotatedText]:
    citer = Citer(SOURCES, attribute=attribute, verbatim=verbatim)
    return [
        told for piece in pieces for told in citer.feed([AnnotatedText(piece)])
    ] + citer.finish()


def text_of(pieces: list[AnnotatedText]) -> str:
    return "".join(piece.text for piece in pieces)


def test_the_marker_of_a_passage_becomes_an_annotation_of_exactly_its_place() -> None:
    told = cite(f"Thirty-five degrees{BEES_MARK}. Due early{RENT_MARK}.")
    value = text_of(told)
    assert value == f"Thirty-five degrees{BEES_MARK}. Due early{RENT_MARK}."
    notes = [
        piece.annotation for piece in told if isinstance(piece.annotation, FileCitationAnnotation)
    ]
    assert [note.file_citation.file_id for note in notes] == ["file-bees", "file-rent"]
    for note in notes:
        assert value[note.start_index : note.end_index] == note.text


def test_a_marker_and_its_annotation_come_in_one_piece_however_it_was_cut() -> None:
    told = cite("so", "【", "4", ":", "0†be", "es.txt", "】", ".")
    assert [piece.text for piece in told] == ["so", BEES_MARK, "."]
    assert told[1].annotation is not None


@pytest.mark.parametrize(
    "invented",
    [
        "【4:2†bees.txt】", "【9:0】", "【13†source】", "[4:7†x]", "［4:7］", "〖4:7〗",
        "【 9:0 】",
        "[4:7‡x]", "【9:0‡x】", "【9:0, 9:1†x】", "[13†source]", "【4:30】", "【13†】",
    ],
)  # fmt: skip
def test_the_marker_of_a_passage_that_does_not_exist_is_taken_out(invented: str) -> None:
    assert cite(f"Warm{invented}.") == [AnnotatedText("Warm"), AnnotatedText(".")]


@pytest.mark.parametrize(
    "spoilt",
    [
        "【4:0】", "【4:0†source】", "[4:0†bees.txt]", "【 4:0 † bees.txt 】", "【4 : 0】",
        "［4:0†bees.txt］", "〖4:0†bees.txt〗", "［4:0］", "〖4:0〗", "【4:0‡bees.txt】",
        "[4:0‡x]", "【4：0†bees.txt】", "【４:０】", "【4:0†bees.txt†L1-L9】", "【4:0†bees.txt]",
        "【bees.txt】", "［ Bees.TXT ］", "〖bees.txt〗", "【†bees.txt】",
        "【13†bees.txt】", "【bees.txt†source】", "[bees.txt‡]",
    ],
)  # fmt: skip
def test_a_spoilt_marker_is_told_as_it_should_be(spoilt: str) -> None:
    told = cite(f"Warm{spoilt}.")
    assert text_of(told) == f"Warm{BEES_MARK}."


@pytest.mark.parametrize(
    "both",
    [
        "【4:0†bees.txt, 4:1†rent.pdf】", "【4:0, 4:1】", "【4:0,4:1】", "【4:0; 4:1†rent.pdf】",
        "[4:0, 4:1]", "[4:0†bees.txt,4:1†rent.pdf]", "【4:0、4:1】", "【4:0 4:1】",
        "【4:0†bees.txt 4:1†rent.pdf】", "［4:0‡a, 4:1‡b］", "【bees.txt, rent.pdf】",
        "[bees.txt; rent.pdf]", "【4:0†bees.txt, 4:0, 4:9†x, 4:1】",
    ],
)  # fmt: skip
def test_a_marker_that_names_two_passages_gives_two_annotations(both: str) -> None:
    for told in (cite(f"Warm {both}."), cite(*f"Warm {both}.")):
        assert text_of(told) == f"Warm {BEES_MARK}{RENT_MARK}."
        assert [piece.text for piece in told if piece.annotation] == [BEES_MARK, RENT_MARK]


@pytest.mark.parametrize(
    "name", ["a, 4:1.txt", "a, b.txt", "a, 4:1", "Mark 3:16", "[1]〖2〗.txt", "x" * 300 + ".txt"]
)
def test_a_name_that_looks_like_a_list_is_one_name(name: str) -> None:
    key = MarkerKey(4, 0)
    exact = marker(key, name)
    for written in (exact, f"【{exact[5:]}"):
        citer = Citer({key: Source("file-1", name, "")}, attribute=False)
        pieces = [piece for char in written for piece in citer.feed([AnnotatedText(char)])]
        assert text_of([*pieces, *citer.finish()]) == exact


@pytest.mark.parametrize(
    "text",
    [
        "[bees.txt](sandbox:/mnt/data/bees.txt)",
        "[bees.txt][1]",
        "[bees.txt]: https://example.com",
        'files["bees.txt"], files[bees.txt]',
        "`[bees.txt]`",
        "[other.txt] 【other.txt】 [bees.txt, other.txt]",
        "【bees】 [bees.txt is warm]",
        "a [4:0, 4:7] and [4:0, 5:1], m[4:0, 4:1]",
        "【10:30】開場 〖9:00、13:45〗 ［3:16］",
        "〖第三章〗 ［注］ 【†】 [†] [1†] [‡note]",
        "[4:0, 4]",
        "【4:0-4:1】",
    ],
)
def test_what_only_looks_like_a_marker_stays(text: str) -> None:
    assert text_of(cite(text)) == text_of(cite(*text)) == text


@pytest.mark.parametrize("before", ["Warm ", "Warm. ", "Warm.", "- ", "", "巣は暖かい", BEES_MARK])
@pytest.mark.parametrize("spoilt", ["[4:0]", "[ 4: 0 ]", "[bees.txt]", "[BEES.txt, bees.txt]"])
def test_numbers_or_names_alone_in_ascii_brackets_are_mended_where_they_are_no_code(
    before: str, spoilt: str
) -> None:
    assert text_of(cite(f"{before}{spoilt}.")) == f"{before}{BEES_MARK}."


@pytest.mark.parametrize(
    "code",
    ["data[4:0]", "f(x)[4:0]", "x[0][4:0]", '"abc"[4:0]', "x_[4:1]", "`data`[4:0]"],
)
def test_a_slice_is_no_marker_even_where_a_passage_has_its_numbers(code: str) -> None:
    assert text_of(cite(f"Use {code}.")) == f"Use {code}."


@pytest.mark.parametrize(
    "text", ['{"x": "warm 【4:0】[4:0†q] [4:0] 【4:7†x】"}', "【4:0†bees.txt", f'"{BEES.text}"']
)
def test_a_text_that_must_not_be_changed_stays_as_it_is(text: str) -> None:
    told = cite(*text, attribute=True, verbatim=True)
    assert text_of(told) == text
    assert [piece for piece in told if piece.annotation] == []


def test_in_a_text_that_must_not_be_changed_exact_markers_are_annotated() -> None:
    text = f'{{"x": "warm{BEES_MARK}"}}'
    told = cite(*text, verbatim=True)
    assert text_of(told) == text
    (noted,) = [piece for piece in told if piece.annotation]
    assert noted.text == BEES_MARK


@pytest.mark.parametrize(
    "text",
    [
        "a[0] = 【注】 [1] [x](y)",
        "【",
        "[",
        "【4:",
        "[12",
        "【4:0†bees",
        "a list: [4, 5]",
        "10:[30]",
        "Use x[0:10] or [12:30] and John [3:16].",
    ],
)
def test_brackets_that_are_no_markers_stay(text: str) -> None:
    assert text_of(cite(text)) == text


def test_a_sentence_that_evidently_comes_from_a_passage_is_cited_for_the_model() -> None:
    told = cite(
        "Good question! The brood nest is kept at thirty-five degrees by the colony of bees. "
        "I hope that helps.",
        attribute=True,
    )
    assert text_of(told) == (
        "Good question! The brood nest is kept at thirty-five degrees by the colony of bees."
        f"{BEES_MARK} I hope that helps."
    )


def test_a_quoted_sentence_is_cited_right_behind_it() -> None:
    told = cite(
        "Indeed. The rent is due on the third working day. A colony of bees keeps its brood "
        "nest warm!",
        attribute=True,
    )
    assert text_of(told) == (
        f"Indeed. The rent is due on the third working day.{RENT_MARK} A colony of bees keeps "
        f"its brood nest warm!{BEES_MARK}"
    )


def test_a_passage_is_not_cited_again_for_the_sentence_that_follows() -> None:
    told = cite(
        "The rent is due on the third working day. Due on the third working day of each month.",
        attribute=True,
    )
    assert text_of(told).count(RENT_MARK) == 1


@pytest.mark.parametrize(
    "between", ["Bees are another matter.", "## Termination\n", "I would not wait for it!"]
)
def test_a_passage_is_cited_again_behind_a_sentence_that_is_not_from_it(between: str) -> None:
    told = cite(f"{RENT.text} {between} {RENT.text}", attribute=True)
    assert text_of(told).count(RENT_MARK) == 2


def test_numbers_of_a_list_and_abbreviations_are_no_sentences_of_their_own() -> None:
    told = cite(f"1. {RENT.text}\n2. {RENT.text}", attribute=True)
    assert text_of(told).count(RENT_MARK) == 1


@pytest.mark.parametrize(
    ("passage", "cited", "foreign"),
    [
        ("租金应于每月第三个工作日支付。", "租金应于每月第三个工作日付。", "希望对您有所帮助。"),
        ("家賃は毎月第三営業日に支払わなければならない。", "家賃は毎月第三営業日に支払います。",
         "お役に立てれば幸いです。"),
        ("ต้องชำระค่าเช่าในวันทำการที่สามของทุกเดือน", "ชำระค่าเช่าในวันทำการที่สามของเดือน\n",
         "หวังว่าจะช่วยได้\n"),
        ("Аренда вносится в третий рабочий день.", "Аренда вносится в третий день.\n",
         "Надеюсь, это вам поможет.\n"),
    ],
)  # fmt: skip
def test_sentences_of_any_script_are_cited(passage: str, cited: str, foreign: str) -> None:
    citer = Citer({MarkerKey(4, 0): Source("file-1", "rent", passage)}, attribute=True)
    told = [*citer.feed([AnnotatedText(f"{foreign}{cited}{foreign}")]), *citer.finish()]
    end = "\n" if cited.endswith("\n") else ""
    assert text_of(told) == f"{foreign}{cited.removesuffix(end)}【4:0†rent】{end}{foreign}"


@pytest.mark.parametrize("end", ["。”", "。」", "。！", "。!", "！”", '。"'])
def test_a_marker_stands_behind_all_that_closes_a_sentence(end: str) -> None:
    passage = "租金应于每月第三个工作日支付"
    for text in ([f"{passage}{end}好。"], [*f"{passage}{end}", "好。"]):
        citer = Citer({MarkerKey(4, 0): Source("file-1", "rent", passage)}, attribute=True)
        told = [
            piece for each in text for piece in citer.feed([AnnotatedText(each)])
        ] + citer.finish()
        assert text_of(told) == f"{passage}{end}【4:0†rent】好。"


@pytest.mark.parametrize(
    "piece",
    [
        "word ",
        "   ",
        "\n",
        "。",
        "word[",
        "【4:",
        "[bees.txt, ",
        "〖",
        "[4:0†x ",
        "4:0, ",
        "[ ",
        "‡",
    ],
)
@pytest.mark.parametrize("attribute", [True, False])
def test_what_is_kept_of_an_endless_text_is_bounded(piece: str, attribute: bool) -> None:
    """So the work for each piece is bounded, too: no more than what is kept is looked at."""
    citer = Citer(SOURCES, attribute=attribute)
    citer.feed([AnnotatedText("[bees.txt‡" if piece == "‡" else "[4:0, ")])
    for _ in range(20_000):
        citer.feed([AnnotatedText(piece)])
    assert len(pickle.dumps(citer)) < 40_000


def test_a_model_that_cites_is_left_alone() -> None:
    text = f"Warm. {BEES_MARK} The rent is due on the third working day of each month."
    assert text_of(cite(text, attribute=True)) == text


def test_a_marker_behind_the_full_stop_belongs_to_the_sentence_before_it() -> None:
    text = f"The rent is due on the third working day of each month. {RENT_MARK}"
    assert text_of(cite(text, attribute=True)) == text


def test_a_number_with_a_point_does_not_end_a_sentence() -> None:
    text = "The rent is due on the 3.14 third working day of each month"
    assert text_of(cite(text, attribute=True)) == f"{text}{RENT_MARK}"


def test_lines_of_a_list_are_cited_at_their_ends() -> None:
    told = cite("- rent is due on the third working day\n- nothing else\n", attribute=True)
    assert text_of(told) == f"- rent is due on the third working day{RENT_MARK}\n- nothing else\n"


def test_a_label_cannot_break_out_of_its_marker() -> None:
    assert marker(MarkerKey(4, 0), "a】b\n[c]†") == "【4:0†a_b__c__】"


# What markers are made of, so that every spoilt one comes up.
scraps = st.sampled_from(
    ["【", "[", "［", "〖", "】", "]", "］", "〗", "4:0", "4:1", "4:9", "13", ":", "：", "†", "‡",
     ", ", "、", ";", " ", "    ", "\n", "bees.txt", "Rent.pdf", "bees", "x", "(",
     BEES_MARK, "10:30"]
)  # fmt: skip
snippets = st.sampled_from(
    [BEES.text, RENT.text, BEES_MARK, RENT_MARK, "【4:9†x】", "【4:", "[4:1]", "[", "】", ". ",
     "\n", "!", "。", "”", '"', "）", "。!", "3.14", " ", " " * 9, "word",
     "【13†source】", "The rent is due on the third working day."]
)  # fmt: skip


@given(
    st.lists(snippets) | st.lists(scraps, max_size=12),
    st.lists(st.integers(1, 12)) | st.just([1] * 80),
    st.booleans(),
    st.booleans(),
)
def test_what_comes_out_does_not_depend_on_the_pieces(
    parts: list[str], sizes: list[int], attribute: bool, verbatim: bool
) -> None:
    text = "".join(parts)
    pieces, rest = [], text
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    whole = cite(text, attribute=attribute, verbatim=verbatim)
    cut = cite(*pieces, rest, attribute=attribute, verbatim=verbatim)
    assert text_of(cut) == text_of(whole)
    assert [p.annotation for p in cut if p.annotation] == [
        p.annotation for p in whole if p.annotation
    ]
    value = text_of(cut)
    assert not verbatim or value == text
    for piece in cut:
        if piece.annotation:
            note = piece.annotation
            assert value[note.start_index : note.end_index] == note.text == piece.text
