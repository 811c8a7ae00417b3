"""Two rankings become one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.retrieval.fusion import fuse

rankings = st.lists(st.lists(st.integers(0, 20), unique=True), min_size=1, max_size=3)


def test_the_first_of_both_has_1_and_the_first_of_one_a_half() -> None:
    assert dict(fuse([["a", "b"], ["a", "c"]])) == pytest.approx(
        {"a": 1.0, "b": 61 / 62 / 2, "c": 61 / 62 / 2}
    )
    assert dict(fuse([["a"], ["b"]])) == pytest.approx({"a": 0.5, "b": 0.5})


def test_what_both_have_beats_what_one_has_first() -> None:
    assert [key for key, _ in fuse([["a", "b"], ["c", "b"]])] == ["b", "a", "c"]


@given(rankings)
def test_scores_are_above_0_up_to_1_and_sorted_and_nothing_is_lost(found: list[list[int]]) -> None:
    fused = fuse(found)
    assert {key for key, _ in fused} == {key for ranking in found for key in ranking}
    assert len(fused) == len(dict(fused))
    scores = [score for _, score in fused]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


@given(rankings)
def test_a_score_is_the_mean_of_reciprocal_ranks_over_that_of_the_first(
    found: list[list[int]],
) -> None:
    for key, score in fuse(found):
        ranks = [ranking.index(key) + 1 for ranking in found if key in ranking]
        assert score == pytest.approx(sum(61 / (60 + rank) for rank in ranks) / len(found))
