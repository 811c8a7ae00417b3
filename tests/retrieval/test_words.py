"""What counts as a word."""

# ruff: noqa: RUF001 # other scripts are meant
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.retrieval import words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Bees' hives, 2 of them", ["the", "bee", "hive", "2", "of", "them"]),
        ("stories story class status this", ["story", "story", "class", "status", "this"]),
        ("user_id = getName()", ["user", "id", "getname"]),
        ("CAFÉ café cafe\u0301", ["cafe", "cafe", "cafe"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("ｆｕｌｌ ﬁt", ["full", "fit"]),
        ("Привет, МИР", ["привет", "мир"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("日本語 の AI入門", ["日本", "本語", "の", "ai", "入門"]),
        ("한국어", ["한국", "국어"]),
        ("ภาษา", ["ภา", "าษ", "ษา"]),
        ("x" * 100, ["x" * 64]),
        ("…!? \x00 \ud800 _", []),
        ("", []),
    ],
)
def test_text_is_split_into_words(text: str, expected: list[str]) -> None:
    assert words.split(text) == expected


def test_files_have_single_characters_too_where_there_are_no_spaces() -> None:
    found = words.tokens("猫と犬 AI", singles=True)
    assert found == ["猫と", "と犬", "猫", "と", "犬", "ai"]


@given(st.text(st.characters()))
def test_any_text_has_words_and_case_does_not_count(text: str) -> None:
    found = words.split(text)
    assert all(0 < len(word) <= 64 for word in found)
    assert all(word == word.casefold() for word in found)
    assert "\x00" not in "".join(found)


@given(st.text("abcXYZ éßñ日本語の123'", max_size=30))
def test_upper_and_lower_case_are_the_same_words(text: str) -> None:
    assert words.split(text.upper()) == words.split(text.lower())
