"""Chunks: the promises that hold for every text, and where the cuts are made."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perdure.parsing import text_marks
from perdure.parsing.chunks import FEWEST_TOKENS, Chunk, chunks
from perdure.parsing.headings import heading_finder
from perdure.parsing.parsed_text import HeadingMark, ParsedText, TableMark
from perdure.vocabulary import count, decode, encode

_WORDS = st.sampled_from(
    [
        "word",
        "Sentence.",
        "\n",
        "\n\n",
        " ",
        "  \t",
        "日本語。",
        "👩‍👩‍👧‍👦",
        "é",
        "\0",
        "<|endoftext|>",
        "x" * 90,
        # its tokens begin and end within characters
        "უ" * 30,
    ]
)
_TEXTS = st.one_of(
    st.text(max_size=400),
    st.lists(_WORDS, max_size=200).map("".join),
    st.lists(_WORDS, max_size=200).map(" ".join),
)


@given(text=_TEXTS, max_tokens=st.integers(FEWEST_TOKENS, 120), share=st.floats(0, 0.5))
@example(text="a" + " " * 300_000 + "b", max_tokens=FEWEST_TOKENS, share=0.5)
@example(text="👩‍👩‍👧‍👦" * 40, max_tokens=FEWEST_TOKENS, share=0.5)
@settings(max_examples=300)
def test_what_holds_for_the_chunks_of_every_text(text: str, max_tokens: int, share: float) -> None:
    overlap = int(max_tokens * share)
    found = list(chunks(text, max_tokens=max_tokens, overlap=overlap))

    assert found == list(chunks(text, max_tokens=max_tokens, overlap=overlap))
    covered = 0
    previous: Chunk | None = None
    for chunk in found:
        assert chunk.text == text[chunk.start : chunk.end] == chunk.text.strip() != ""
        assert chunk.tokens == count(chunk.text) <= max_tokens
        assert text[covered : chunk.start].strip() == ""
        assert chunk.end > covered
        if previous is not None:
            assert chunk.start > previous.start
            assert count(text[chunk.start : previous.end]) <= overlap
        covered = chunk.end
        previous = chunk
    assert text[covered:].strip() == ""


def _headings(text: str) -> list[HeadingMark]:
    """Marks of headings at some places of a text: every word that begins with a capital letter."""
    found = re.finditer(r"[A-Z]\w{0,20}", text)
    return [HeadingMark(each.start(), each.end(), len(each[0]) % 4) for each in found]


def _tables(text: str) -> list[TableMark]:
    """Marks of tables at some places of a text: every two lines with what follows."""
    found = re.finditer(r"(\S[^\n]{0,80})\n[^\n]+(?:\n[^\n]+)+", text)
    return [TableMark(each.start(), each.end(1), each.end()) for each in found]


@given(text=_TEXTS, max_tokens=st.integers(FEWEST_TOKENS, 120), share=st.floats(0, 0.5))
@example(text="Heading\n\n" + "word\n\n\n\n\n\n" * 60, max_tokens=FEWEST_TOKENS, share=0)
@example(text="A | b\n" + "1 | 2\n" * 60, max_tokens=40, share=0.5)
@settings(max_examples=300)
def test_what_holds_for_the_chunks_of_every_text_with_headings(
    text: str, max_tokens: int, share: float
) -> None:
    overlap = int(max_tokens * share)
    parsed = ParsedText(text, tuple(_headings(text)), tuple(_tables(text)))
    heading_at = heading_finder(parsed, max_tokens)
    found = list(chunks(text, max_tokens=max_tokens, overlap=overlap, heading_at=heading_at))

    covered, again = 0, ""
    for chunk in found:
        begin = chunk.start + chunk.heading
        assert chunk.text[chunk.heading :] == text[begin : chunk.end] != ""
        assert chunk.end - chunk.start == len(chunk.text)
        assert chunk.tokens == count(chunk.text) <= max_tokens
        assert chunk.text[: chunk.heading].strip() == heading_at(begin) or not chunk.heading
        assert text[covered:begin].strip() == ""
        assert chunk.end > covered
        # as the text of a file is put together again from its chunks
        again += chunk.text[max(0, covered - chunk.start) :]
        covered = chunk.end
    assert "".join(again.split()) == "".join(text.split())


def _chunks_of(parsed: ParsedText, max_tokens: int) -> list[str]:
    heading_at = heading_finder(parsed, max_tokens)
    cut = chunks(parsed.text, max_tokens=max_tokens, overlap=0, heading_at=heading_at)
    return [chunk.text for chunk in cut]


def test_a_chunk_repeats_the_headings_above_it() -> None:
    paragraph = "One two three four five six seven.\n\n"
    text = f"# Guide\n\n{paragraph}## Birds ##\n\n{paragraph * 9}## Fish\n\n{paragraph * 6}"
    first, *others = _chunks_of(text_marks.mark_markdown(text), 60)
    assert first.startswith("# Guide\n\nOne")
    assert others[0].startswith("Guide\nBirds\n\nOne two")
    assert others[-1].startswith("Guide\nFish\n\nOne two")


def test_a_chunk_that_begins_inside_a_table_repeats_its_heading_row() -> None:
    rows = "".join(f"plan {number},,{number} USD\n" for number in range(60))
    first, *others = _chunks_of(text_marks.mark_rows(f"Plan,Trial,Price\n{rows}"), 100)
    assert first.startswith("Plan,Trial,Price\nplan 0,,0 USD")
    assert len(others) > 3
    assert [chunk.splitlines()[0] for chunk in others] == ["Plan,Trial,Price"] * len(others)
    assert all(chunk.splitlines()[1].startswith("plan ") for chunk in others)


def test_what_is_repeated_leaves_three_quarters_of_a_chunk() -> None:
    columns = ",".join(f"column {number}" for number in range(100))
    parsed = text_marks.mark_rows(f"{columns}\n" + "1,2,3\n" * 200)
    assert not any("column" in chunk for chunk in _chunks_of(parsed, 400)[1:])
    assert all("column 99\n1,2,3" in chunk for chunk in _chunks_of(parsed, 1600)[1:])


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("# A\n\n## B #\ntext", ["# A", "## B #"]),
        ("Title\n=====\ntext", ["Title"]),
        ("```sh\n# no heading\n```\n# A", ["# A"]),
        ("~~~~\n```\n# no\n~~~~\n#also none\n   # A", ["   # A"]),
        ("| a | b |\n|---|:-:|\n| 1 | 2 |\n\ntext", ["| a | b |\n|---|:-:|"]),
        ("a | b\n--|--\n1 | 2", ["a | b\n--|--"]),
        ("a | b\n--|--\n\ntext", []),
        ("---\ntitle: x\n---\ntext", []),
    ],
)
def test_headings_and_tables_of_markdown_are_known(text: str, marked: list[str]) -> None:
    parsed = text_marks.mark_markdown(text)
    found = [(mark.start, mark.end) for mark in parsed.headings]
    found += [(mark.start, mark.heading_end) for mark in parsed.tables]
    assert [text[start:end] for start, end in found] == marked


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ('a,"b\nc",d\n1,2,3', 'a,"b\nc",d'),
        ("\n a;b\n1;2", "a;b"),
        ("a,b\n", None),
        ('"never closed,b\n1,2', '"never closed,b'),
        ("x" * 20_000 + "\n1", None),
    ],
)
def test_the_first_row_of_csv_names_the_columns(text: str, heading: str | None) -> None:
    marks = text_marks.mark_rows(text).tables
    assert [text[mark.start : mark.heading_end] for mark in marks] == ([heading] if heading else [])


def _ends(text: str, max_tokens: int = 40) -> list[str]:
    """The last twelve characters of each chunk but the last."""
    found = list(chunks(text, max_tokens=max_tokens, overlap=0))
    return [chunk.text[-12:] for chunk in found[:-1]]


_SENTENCE = "One two three four five six seven. "


@pytest.mark.parametrize(
    ("text", "end"),
    [
        pytest.param((_SENTENCE * 3 + "last words.\n\n") * 4, "last words.", id="paragraph"),
        pytest.param(_SENTENCE * 20, "x seven.", id="sentence"),
        pytest.param("one two three four five six\n" * 20, "five six", id="line"),
        pytest.param("日本語の文章です。" * 20, "です。", id="sentence without spaces"),
    ],
)
def test_a_chunk_ends_at_the_best_border_it_can_have(text: str, end: str) -> None:
    ends = _ends(text)
    assert len(ends) > 1
    assert [found for found in ends if not found.endswith(end)] == []
    assert [found for found in ends if found[-1].isspace()] == []


def test_words_are_not_torn_where_there_are_spaces() -> None:
    words = {word for chunk in chunks("alpha beta gamma " * 90) for word in chunk.text.split()}
    assert words == {"alpha", "beta", "gamma"}


def test_an_emoji_of_several_characters_is_not_torn() -> None:
    family = "👩‍👩‍👧‍👦"
    found = list(chunks(family * 100, max_tokens=60, overlap=0))
    assert len(found) > 1
    assert {chunk.text.replace(family, "") for chunk in found} == {""}


def test_an_overlap_begins_with_a_sentence() -> None:
    found = list(chunks(_SENTENCE * 200, max_tokens=100, overlap=50))
    assert {chunk.text[:7] for chunk in found} == {"One two"}
    shared = [before.end - after.start for before, after in pairwise(found)]
    assert min(shared) > len(_SENTENCE)


def test_a_short_text_is_one_chunk() -> None:
    assert list(chunks("  short text\n")) == [Chunk("short text", 2, 12, 2)]


@pytest.mark.parametrize("text", ["", " \n\t\u3000"])
def test_a_text_without_anything_visible_has_no_chunks(text: str) -> None:
    assert list(chunks(text)) == []


@pytest.mark.parametrize(("max_tokens", "overlap"), [(15, 0), (100, 51), (100, -1)])
def test_sizes_that_make_no_sense_are_refused(max_tokens: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        next(chunks("text", max_tokens=max_tokens, overlap=overlap))


@pytest.mark.parametrize("unit", ["x", "日", "👍", "უ", " \n", "a ", "\0", "ab" + " " * 1000])
def test_a_megabyte_of_anything_costs_little_more_than_one_of_prose(unit: str) -> None:
    """Five times as much at most, as far as is known; what grows with the square, thousands."""
    text = unit * (1_000_000 // len(unit))
    prose, _ = _cost(_SENTENCE * (200_000 // len(_SENTENCE)))
    cost, found = _cost(text)
    assert cost < 50 * 5 * prose
    assert len(found) < len(text) / 400


def _cost(text: str) -> tuple[float, list[Chunk]]:
    """The processor time that cutting it takes, and its chunks."""
    began = time.process_time()
    found = list(chunks(text))
    return time.process_time() - began, found


def test_a_text_of_any_length_is_counted() -> None:
    # each of the 36 cuts between pieces adds a token
    assert count("hello world\n" * 200_000) == 600_000 + 36
    assert count("<|endoftext|>") == 7


@given(
    text=st.one_of(_TEXTS, st.text(st.characters(min_codepoint=128, codec="utf-8"), max_size=40)),
    data=st.data(),
)
@example(text="უ" * 99, data=None)
@settings(max_examples=500)
def test_tokens_that_are_cut_anywhere_lose_no_more_than_the_cut_character(
    text: str, data: st.DataObject | None
) -> None:
    tokens = encode(text)
    at = data.draw(st.integers(0, len(tokens))) if data is not None else len(tokens) // 2
    before, after = decode(tokens[:at]), decode(tokens[at:])
    assert text.startswith(before)
    assert text.endswith(after)
    assert len(before) + len(after) >= len(text) - 1
