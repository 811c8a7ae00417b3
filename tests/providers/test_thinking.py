"""What of a model's text is thinking: the same, whatever the pieces are in which it comes."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.providers.thinking import Thinking, answer_start

ANALYSIS = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"
FINAL = "<|channel|>final<|message|>"


class Read(NamedTuple):
    """What was told of a text and what was taken out; whether an expected end was missed."""

    told: str
    thought: str
    lacked_end: bool = False


def read(*pieces: str, is_whole: bool = True, is_open: bool = False, may_be_open: bool = True,
         hides: bool = True) -> Read:  # fmt: skip
    thinking = Thinking(hides=hides, is_open=is_open, may_be_open=may_be_open)
    told = "".join(thinking.feed(piece) for piece in pieces)
    told += thinking.finish(is_whole=is_whole)
    return Read(told, thinking.thought, thinking.lacked_end)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<think>Hm.</think>Yes.", "Yes."),
        ("<think>\nHm.\n</think>\n\nYes.\n", "Yes.\n"),
        ("<thinking>Hm.</thinking> Yes.", "Yes."),
        ("<reasoning>Hm.</reasoning>Yes.", "Yes."),
        ("\n <think>Hm.</think>Yes.", "Yes."),
        ("<think></think>Yes.", "Yes."),
        ("<think>Hm.</think>\n<think>So.</think>\nYes.", "Yes."),
        ("<think>If 1 < 2 and </thinking>, then</think>Yes.", "Yes."),
        ("<think>Hm.</think>Yes, <think>no</think>.", "Yes, <think>no</think>."),
        ("<think>Hm.</think>Yes</think>.", "Yes</think>."),
        ("<think>Hm.</think>\n", ""),
        ("</think>\n\nYes.", "Yes."),
        (f"{ANALYSIS}{FINAL}Yes.", "Yes."),
        (f"{ANALYSIS}{FINAL}Yes.<|return|>", "Yes."),
        (f"<|start|>assistant{ANALYSIS}<|channel|>final <|constrain|>json<|message|>\n{{}}", "{}"),
        (f"{ANALYSIS}<|channel|>commentary<|message|>So.<|end|>{ANALYSIS}{FINAL}Yes.", "Yes."),
        (f"{ANALYSIS}{FINAL}1 <| 2 <|x|>", "1 <| 2 <|x|>"),
        (ANALYSIS, ""),
    ],
)
def test_thinking_in_front_of_the_answer_is_taken_out(text: str, told: str) -> None:
    for pieces in ([text], list(text)):
        for is_whole in (True, False):
            found = read(*pieces, is_whole=is_whole)
            assert found.told == told
            if "<|" not in text:
                assert found.thought + found.told == text


@pytest.mark.parametrize(
    "text",
    [
        "Yes.",
        "\n\n Yes.",
        " \n",
        "Yes, <think>Hm.</think>",
        "<thinkers>think</thinkers>",
        "<",
        "< think>Hm.</think>",
        "<|channel",
        "`<think>` begins it, `</think>` ends it.",
    ],
)
def test_what_does_not_begin_with_thinking_is_told_as_it_is(text: str) -> None:
    for pieces in ([text], list(text)):
        for is_whole in (True, False):
            assert read(*pieces, is_whole=is_whole) == Read(text, "")


@pytest.mark.parametrize(
    "text", ["<think>Hm.", "\n<think>Hm.</thi", "<|channel|>analysis<|message|>Hm.", "<|start|>"]
)
def test_thinking_that_nothing_ends_is_text_only_where_the_answer_is_whole(text: str) -> None:
    for pieces in ([text], list(text)):
        assert read(*pieces) == Read(text, "")
        assert read(*pieces, is_whole=False) == Read("", text)


def test_of_thinking_in_a_row_only_what_nothing_ends_is_text() -> None:
    text = "<think>Hm.</think>\n<think>So"
    for pieces in ([text], list(text)):
        assert read(*pieces) == Read("<think>So", "<think>Hm.</think>\n")
        assert read(*pieces, is_whole=False) == Read("", text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Hm.\n</think>\n\nYes.", "Yes."),
        ("Hm.</reasoning>Yes.</reasoning>", "Yes.</reasoning>"),
        ("A `</think>`, then.</think>Yes.", "Yes."),
        ("First <think>Hm.</think> so</think>Yes.", "Yes."),
        ("<think>Hm.</think>Yes.</think>", "Yes.</think>"),
        ("</think>Yes.", "Yes."),
    ],
)
def test_where_a_lone_end_is_expected_all_is_held_back_up_to_it(text: str, told: str) -> None:
    for pieces in ([text], list(text)):
        assert read(*pieces, is_open=True) == Read(told, text.removesuffix(told))


def test_an_answer_without_the_expected_end_is_told_whole_and_says_so() -> None:
    for pieces in (["  Yes."], list("  Yes.")):
        assert read(*pieces, is_open=True) == Read("  Yes.", "", lacked_end=True)
        assert read(*pieces, is_open=True, is_whole=False) == Read("", "  Yes.")


def test_lone_ends_are_text_where_there_are_none() -> None:
    for text in ("</think>Yes.", "Hm.</think>Yes."):
        assert read(text, is_open=True, may_be_open=False) == Read(text, "")


def test_nothing_is_taken_out_where_nothing_is_looked_for() -> None:
    assert read("<think>Hm.</think>Yes.", hides=False) == Read("<think>Hm.</think>Yes.", "")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Hm.\n</think>\n\nYes.", "Yes."),
        ("Hm.</think>", ""),
        ("Hm. `</think>`.</thinking>Yes.</thinking>", "Yes.</thinking>"),
        ("Yes.", "Yes."),
        ("Hm.</think>\n</think>\nYes.", "Yes."),
        ("Write <think>Hm.</think> first.", "Write <think>Hm.</think> first."),
        ("It ends with '</think>'.", "It ends with '</think>'."),
        ('{"end": "so</think>"}', '{"end": "so</think>"}'),
        ('{"end": </think>{}', "{}"),
    ],
)
def test_an_answer_that_was_told_begins_behind_the_lone_end(text: str, answer: str) -> None:
    assert text[answer_start(text) :] == answer


def test_the_answer_is_told_as_it_comes() -> None:
    thinking = Thinking()
    told = [
        thinking.feed(piece) for piece in ("<think>", "Hm.</th", "ink>", "\n", "Yes", ", <", "b>")
    ]
    assert told == ["", "", "", "", "Yes", ", <", "b>"]
    assert thinking.is_passed


def test_the_final_channel_is_told_as_it_comes() -> None:
    thinking = Thinking()
    told = [
        thinking.feed(piece) for piece in (ANALYSIS, FINAL, "Yes", ", 1 <", " 2", "<|retu", "rn|>")
    ]
    assert told == ["", "", "Yes", ", 1 ", "< 2", "", ""]


def test_blocks_without_end_are_text_after_some() -> None:
    told, thought, _ = read("<think></think>" * 100_000)
    assert thought == "<think></think>" * 16
    assert len(told) == len("<think></think>") * (100_000 - 16)


def test_a_header_without_end_is_not_kept() -> None:
    thinking = Thinking()
    for _ in range(100_000):
        thinking.feed("<|channel|>x")
    assert thinking._header is not None
    assert len(thinking._header) <= 256


PIECES = st.sampled_from(
    ["<think>", "</think>", "<thinking>", "</thinking>", "</reasoning>", "<reasoning>", "\n", " ",
     "<", ">", "</", "`", "Hm.", "Yes", "<think", "</thi", "nk>", "{", "}", '"']
)  # fmt: skip
TOKENS = st.sampled_from(
    ["<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|return|>",
     "assistant", "analysis", "final", "commentary", " ", "<|", "|>", "<", "Yes"]
)  # fmt: skip
SWITCHES = st.fixed_dictionaries(
    {"is_whole": st.booleans(), "is_open": st.booleans(), "may_be_open": st.booleans()}
)


@given(words=st.lists(PIECES, max_size=12), switches=SWITCHES, data=st.data())
def test_any_pieces_of_tags_give_the_same_and_lose_nothing(
    words: list[str], switches: dict[str, bool], data: st.DataObject
) -> None:
    text = "".join(words)
    found = read(text, **switches)
    assert found.thought + found.told == text
    assert read(*cut(text, data), **switches) == found
    assert read(*text, **switches) == found


@given(words=st.lists(TOKENS, max_size=12), is_whole=st.booleans(), data=st.data())
def test_any_pieces_of_channels_give_the_same(
    words: list[str],
    is_whole: bool,
    data: st.DataObject,
) -> None:
    text = "<|channel|>" + "".join(words)
    found = read(text, is_whole=is_whole)
    assert len(found.thought) + len(found.told) == len(text)
    assert read(*cut(text, data), is_whole=is_whole) == found
    assert read(*text, is_whole=is_whole) == found


@given(words=st.lists(PIECES, max_size=12))
def test_what_is_held_back_and_what_was_told_end_alike(words: list[str]) -> None:
    """A lone end is the same to an answer that was told as to one that was held back for it."""
    text = "".join(words)
    held = read(text, is_open=True)
    told = read(text)
    start = answer_start(told.told)
    if start and not told.thought:
        assert told.told[start:] == held.told


def cut(text: str, data: st.DataObject) -> list[str]:
    places = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
