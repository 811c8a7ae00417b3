"""What comes with the address is checked in the API's words (spec 02 §3, 05 §3)."""

import pytest

from perdure.errors import BadRequest
from perdure.wire.query import RESULT_CONTENT, ListQuery, check_id, include, query


def test_nothing_given_means_the_newest_twenty() -> None:
    assert query([]) == ListQuery(limit=20, order="desc", after=None, before=None, run_id=None)


def test_everything_given_is_taken() -> None:
    params = [
        ("limit", "100"),
        ("order", "asc"),
        ("after", "msg_1"),
        ("before", "msg_9"),
        ("run_id", "run_1"),
    ]
    assert query(params) == ListQuery(
        limit=100, order="asc", after="msg_1", before="msg_9", run_id="run_1"
    )


def test_unknown_parameters_are_ignored_even_twice() -> None:
    assert query([("page", "2"), ("page", "3"), ("limit", "1")]) == ListQuery(limit=1)


def test_empty_cursors_count_as_not_given() -> None:
    assert query([("after", ""), ("before", ""), ("run_id", "")]) == ListQuery()


NOT_AN_INTEGER = (
    "Invalid type for 'limit': expected an integer, "
    "but got a string value that could not be converted into an integer."
)

REFUSED = {
    "limit is 0": (
        [("limit", "0")],
        "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 instead.",
        "limit",
        "integer_below_min_value",
    ),
    "limit is negative": (
        [("limit", "-1")],
        "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got -1 instead.",
        "limit",
        "integer_below_min_value",
    ),
    "limit is 101": (
        [("limit", "101")],
        (
            "Invalid 'limit': integer above maximum value. "
            "Expected a value <= 100, but got 101 instead."
        ),
        "limit",
        "integer_above_max_value",
    ),
    "limit is a word": ([("limit", "all")], NOT_AN_INTEGER, "limit", "invalid_type"),
    "limit is empty": ([("limit", "")], NOT_AN_INTEGER, "limit", "invalid_type"),
    "limit is a decimal": ([("limit", "1.0")], NOT_AN_INTEGER, "limit", "invalid_type"),
    "limit is in other digits": ([("limit", "\uff11")], NOT_AN_INTEGER, "limit", "invalid_type"),
    "limit ends with a line end": ([("limit", "1\n")], NOT_AN_INTEGER, "limit", "invalid_type"),
    "limit has 5000 digits": ([("limit", "9" * 5000)], NOT_AN_INTEGER, "limit", "invalid_type"),
    "order is unknown": (
        [("order", "up")],
        "Invalid value: 'up'. Supported values are: 'asc' and 'desc'.",
        "order",
        "invalid_value",
    ),
    "a parameter is given twice": (
        [("limit", "1"), ("order", "up"), ("limit", "1")],
        (
            "Duplicate parameter: 'limit'. You provided multiple values for this parameter, "
            "whereas only one is allowed."
        ),
        "limit",
        "duplicate_parameter",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_list_parameter_is_told_word_by_word(case: str) -> None:
    """Message, param and code are those of the API when …"""
    params, message, param, code = REFUSED[case]
    with pytest.raises(BadRequest) as caught:
        query(params)
    assert (caught.value.message, caught.value.param, caught.value.code) == (message, param, code)


@pytest.mark.parametrize(
    "params",
    [
        [("include[]", RESULT_CONTENT)],
        [("include", RESULT_CONTENT)],
        [("include[]", RESULT_CONTENT), ("include", RESULT_CONTENT)],
        [("include[]", f"{RESULT_CONTENT},{RESULT_CONTENT}")],
    ],
)
def test_include_may_be_spelled_both_ways_and_repeat(params: list[tuple[str, str]]) -> None:
    assert include(params) == {"step_details.tool_calls[*].file_search.results[*].content"}


def test_no_include_asks_for_nothing_more() -> None:
    assert include([("limit", "1")]) == frozenset()


def test_any_other_include_is_refused_with_its_place() -> None:
    with pytest.raises(BadRequest) as caught:
        include([("include[]", RESULT_CONTENT), ("include[]", "usage")])
    assert caught.value.message == (
        "Invalid value: 'usage'. Supported values are: "
        "'step_details.tool_calls[*].file_search.results[*].content'."
    )
    assert (caught.value.param, caught.value.code) == ("include[1]", "invalid_value")


def test_an_id_of_another_kind_is_malformed() -> None:
    with pytest.raises(BadRequest) as caught:
        check_id("undefined", name="thread_id", prefix="thread")
    assert caught.value.message == (
        "Invalid 'thread_id': 'undefined'. Expected an ID that begins with 'thread'."
    )
    assert (caught.value.param, caught.value.code) == ("thread_id", "invalid_value")


def test_an_odd_id_of_the_right_kind_is_well_formed() -> None:
    """The live service answered `step_123` as unknown, not as malformed (spec 05 §3.2)."""
    check_id("step_123", name="step_id", prefix="step")
