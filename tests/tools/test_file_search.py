"""What of a run's searches the model is given (spec 06 §1.1)."""

from hypothesis import given
from hypothesis import strategies as st

from perdure.tools.file_search import results
from perdure.tools.file_search.results import NumberedSearch
from perdure.wire.run_steps import FileSearch, FileSearchResult, FileSearchToolCall
from perdure.wire.vector_store_files import ContentText


def search(output: int, round_: int, *lengths: int) -> NumberedSearch:
    """A search that found passages of so many words."""
    found = [
        FileSearchResult(
            file_id="file-1",
            file_name="a.txt",
            score=0.5,
            content=[ContentText(text="word " * length)],
        )
        for length in lengths
    ]
    call = FileSearchToolCall(id=f"call_{output}", file_search=FileSearch(results=found))
    return NumberedSearch(output, call, round_)


def test_the_latest_searches_keep_most() -> None:
    searches = [search(4, 0, *[100] * 5), search(5, 1, *[100] * 5), search(6, 2, *[100] * 5)]
    kept = [list(results.fitting(searches, room).values()) for room in range(0, 1300, 120)]
    assert kept == [
        [0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 1, 2], [0, 1, 3], [0, 2, 3],
        [1, 2, 3], [1, 2, 4], [1, 3, 4], [2, 3, 4], [2, 4, 5],
    ]  # fmt: skip


def test_searches_of_one_round_keep_as_much_as_each_other() -> None:
    searches = [search(4, 0, *[100] * 5), search(5, 0, *[100] * 5)]
    assert list(results.fitting(searches, 480).values()) == [2, 2]


def test_a_passage_that_does_not_fit_leaves_the_room_to_other_searches() -> None:
    searches = [search(4, 0, 100, 100), search(5, 1, 100, 5000, 100)]
    assert results.fitting(searches, 1000) == {4: 2, 5: 1}


@given(
    st.lists(st.lists(st.integers(1, 300), max_size=6), min_size=1, max_size=4),
    st.integers(-10, 2000),
)
def test_what_is_kept_fits(found: list[list[int]], room: int) -> None:
    searches = [search(4 + place, place, *lengths) for place, lengths in enumerate(found)]
    kept = results.fitting(searches, room)
    assert list(kept) == [each.output for each in searches]
    shown = [length for each, lengths in zip(kept.values(), found, strict=True)
             for length in lengths[:each]]  # fmt: skip
    assert sum(shown) <= max(room, 0)


def test_what_is_left_out_is_not_said_to_be_missing() -> None:
    one, none = search(4, 0, 5), search(5, 0)
    assert results.output(one).startswith("【4:0†a.txt】\nword")
    assert "left out" in results.output(one, 0)
    assert results.output(none, 0) == results.output(none) == "No passages were found."
