"""What the index holds of a word."""

# ruff: noqa: RUF001 # other scripts are meant

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.retrieval import languages, stems, words

LANGUAGES = ["english", "german", "russian", "arabic"]


def stem(word: str, language: str = "english") -> str:
    (token,) = words.tokens(word)
    return stems.stem(token, language)[0]


@pytest.mark.parametrize(
    "forms",
    [
        "address addresses", "process processes processing", "box boxes", "class classes",
        "branch branches", "crash crashes crashed", "index indexes indexing indexed",
        "search searches", "story stories", "PDF PDFs", "configure configuration configuring",
    ],
)  # fmt: skip
def test_the_forms_of_an_english_word_have_one_stem(forms: str) -> None:
    assert len({stem(word) for word in forms.split()}) == 1


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("german", "Haus Häuser Hauses"),
        ("french", "chanter chantait chanté"),
        ("spanish", "libro libros"),
        ("russian", "книга книги книгу"),
        ("russian", "новый новая новое"),
    ],
)
def test_the_forms_of_a_word_in_another_language_have_one_stem(language: str, forms: str) -> None:
    assert len({stem(word, language) for word in forms.split()}) == 1


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("שָׁלוֹם", "שלום"),
        ("كِتَابٌ", "كتاب"),
        ("إسطنبول", "اسطنبول"),
        ("کتاب", "كتاب"),
        ("فارسی", "فارسي"),
        ("مدرسة", "مدرسه"),
        ("كـــتاب", "كتاب"),
        ("١٢٣", "123"),
        ("ｃａｆé", "cafe"),
    ],
)
def test_letters_and_points_that_are_written_in_several_ways_are_one(
    written: str, typed: str
) -> None:
    assert stem(written) == stem(typed)


@pytest.mark.parametrize(
    ("text", "whole"),
    [("Rechts\u00adschutz", "rechtsschutz"), ("می\u200cخواهم", "میخواهم"), ("日\u2060本", "日本")],
)
def test_what_invisible_characters_part_is_found_as_a_whole_and_in_parts(
    text: str, whole: str
) -> None:
    assert whole in words.tokens(text)
    assert len(words.tokens(text)) == 3
    assert words.tokens(f"\u00ad{whole}\u00ad") == words.tokens(whole)


@pytest.mark.parametrize("word", ["index", "connect", "walk"])
def test_the_common_forms_of_a_word_are_told_apart(word: str) -> None:
    forms = [word, f"{word}s", f"{word}ed", f"{word}ing"]
    made = [stems.stem(form, "english") for form in forms]
    assert made == [(word, 0), (word, 1), (word, 2), (word, 3)]


@given(st.text(st.characters(), max_size=30), st.sampled_from(LANGUAGES))
def test_words_that_earlier_rules_took_for_one_are_one(text: str, language: str) -> None:
    """A stem is made of what they made of a word, and of nothing else."""
    for word in words.tokens(text, singles=True):
        plain = words.without_plural(word)
        assert stems.stem(word, language)[0] == stems.stem(f"{plain}", language)[0] or (
            # It looks like a plural once more.
            words.without_plural(plain) != plain
        )
        assert stems.stem(word, language)[0]


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_folding_a_word_again_changes_nothing(text: str) -> None:
    for word in words.tokens(text):
        assert stems.fold(stems.fold(word)) == stems.fold(word)


@given(
    st.text("אבגדהוש", min_size=1),
    st.lists(st.sampled_from("\u05b0\u05b8\u05bc\u05c1"), max_size=9),
)
def test_vowel_points_never_make_another_word(letters: str, points: list[str]) -> None:
    pointed = "".join(
        letter + (points[place] if place < len(points) else "")
        for place, letter in enumerate(letters)
    )
    assert stem(pointed) == stem(letters)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The lease of the house is due", "english"),
        ("Die Miete ist nicht am ersten Tag des Monats fällig, und das Haus", "german"),
        ("Le loyer est dans une enveloppe, que les locataires ne paient pas", "french"),
        ("El alquiler de la casa no se paga con los muebles que hay en el patio", "spanish"),
        ("Это не то, что я видел на столе, и не на стуле", "russian"),
        ("x = 1; y = f(x)", None),
        ("", None),
    ],
)
def test_a_language_is_told_by_its_commonest_words(text: str, language: str | None) -> None:
    counts = {word: words.tokens(text).count(word) for word in words.tokens(text)}
    assert languages.detect(counts) == language


def test_a_text_that_tells_nothing_has_the_language_of_its_neighbours() -> None:
    german = {"der": 3, "und": 2, "haus": 1}
    assert languages.of_all([{"haus": 1}, german, german]) == ["german"] * 3
    assert languages.of_all([{"haus": 1}]) == ["english"]
