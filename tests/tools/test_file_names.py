"""Names in /mnt/data: each file has one, no two share one, and every file system takes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.commands.files import clean_name
from perdure.sandbox import output_filter
from perdure.tools.code_interpreter.file_names import Names, names
from perdure.wire.files import File


def file(name: str, file_id: str = "file-abcdef") -> File:
    return File(id=file_id, bytes=1, created_at=1, filename=name, purpose="assistants")


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("rent 2024 (1).csv", "rent 2024 (1).csv"),
        ("Übersicht 年度.xlsx", "Übersicht 年度.xlsx"),
        ("Shot at 9.00\u202fAM.png", "Shot at 9.00 AM.png"),
        ("a\u2028b\u200ec.txt", "a b_c.txt"),
        (".env", "_env"),
        ("x" * 300 + ".csv", "x" * 251 + ".csv"),
        ("é" * 200 + ".csv", "é" * 125 + ".csv"),
        ("a." + "b" * 300, "a." + "b" * 253),
    ],
)
def test_what_would_be_refused_is_replaced(filename: str, name: str) -> None:
    assert names([file(filename)]) == {"file-abcdef": name}


@given(st.lists(st.text(max_size=300).map(clean_name), max_size=6))
def test_each_name_is_one_that_a_session_takes_and_nobody_elses(filenames: list[str]) -> None:
    files = [file(name, f"file-{place % 2}abcdef") for place, name in enumerate(filenames)]
    files = [file(each.filename, f"{each.id}{place}") for place, each in enumerate(files)]
    named = names(files)
    assert len(set(named.values())) == len(files)
    for name in named.values():
        assert output_filter.is_name(name)
        assert "/" not in name
        assert not name.startswith(".")
        assert len(name.encode()) <= 255


def test_a_name_that_was_given_stays_and_a_new_one_is_free() -> None:
    there = Names({"file-aaaaaa": "x-cccccc.csv"}, {"x.csv"}, {"file-bbbbbb"})
    files = [file("x.csv", f"file-{letter * 6}") for letter in "abc"]
    assert names(files, there) == {
        "file-aaaaaa": "x-cccccc.csv",
        "file-cccccc": "x-cccccc-2.csv",
    }
