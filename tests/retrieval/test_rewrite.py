"""Queries that a model rewrites: they get better, or they stay."""

import pytest

from perdure.retrieval.rewrite import rewrite_queries
from perdure.testing.scripted_model import ScriptedProvider


async def rewrite(*queries: str, seconds: float = 60) -> list[str]:
    return await rewrite_queries(ScriptedProvider(), "scripted", queries, seconds=seconds)


async def test_each_query_becomes_what_the_model_says_on_one_line() -> None:
    assert await rewrite("say:  rent \nsay: due", "say: bees") == ["rent due", "bees"]


async def test_what_the_model_thinks_is_not_searched_for() -> None:
    thinking = ("say: <think> Hm. </think> rent due", "say: Hm. </think> rent due")
    assert await rewrite(*thinking) == ["rent due", "rent due"]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("fail: server_error", "The scripted model fails: server_error."),
        (
            "fail: server_error after 1 tokens\nsay: a b",
            "The scripted model fails: server_error.",
        ),
        ("refuse: I cannot.", "the answer is empty"),
        ("say: <think> Hm. </think>", "the answer is empty"),
        ("say 401 words", "the answer is too long"),
        ("forever", "the answer is too long"),
    ],
)
async def test_a_model_that_fails_leaves_the_query(
    query: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await rewrite(query) == [query]
    said = capsys.readouterr().out
    assert "query_not_rewritten" in said
    assert reason in said


async def test_a_model_that_takes_too_long_leaves_the_query(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert await rewrite("wait 60000 ms\nsay: late", seconds=0.01) == ["wait 60000 ms\nsay: late"]
    assert "the model took more than 0.01 seconds" in capsys.readouterr().out


async def test_of_many_queries_only_the_first_cost_a_call() -> None:
    queries = [f"say: {number}" for number in range(10)]
    assert await rewrite(*queries) == [*map(str, range(8)), "say: 8", "say: 9"]
