"""The query of the list of a project's runs."""

from urllib.parse import parse_qsl

import pytest

from perdure.errors import BadRequest
from perdure.wire.run_lists import run_list_query


def test_the_narrowest_bounds_of_time_count() -> None:
    params = "created_at[gte]=5&created_at[gt]=7&created_at[lt]=20&created_at[lte]=11"
    asked = run_list_query(parse_qsl(params))
    assert (asked.since, asked.until) == (8, 12)


def test_metadata_is_asked_for_by_any_key() -> None:
    asked = run_list_query([("metadata[a b]]", "1"), ("metadata[]", "2"), ("metadata[c]", "")])
    assert asked.metadata == {"a b]": "1"}


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ("status=done", "status", "invalid_value"),
        ("error_code=500", "error_code", "invalid_value"),
        ("status=failed&model=m", "model", "mutually_exclusive_parameters"),
        ("status=failed&status=queued", "status", "duplicate_parameter"),
        ("metadata[a]=1&metadata[a]=2", "metadata[a]", "duplicate_parameter"),
        ("created_at[gte]=yesterday", "created_at[gte]", "invalid_type"),
        ("created_at[lt]=-1", "created_at[lt]", "invalid_type"),
        ("created_at[lt]=99999999999999", "created_at[lt]", "invalid_type"),
        ("limit=0", "limit", "integer_below_min_value"),
        (
            "&".join(f"metadata[{n}]=x" for n in range(17)),
            "metadata",
            "object_above_max_properties",
        ),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused(query: str, param: str, code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        run_list_query(parse_qsl(query, keep_blank_values=True))
    assert (refused.value.param, refused.value.code) == (param, code)
