"""`rewrite_query` over HTTP, on a server with a model for it (spec 06 §1.7)."""

import httpx2
import pytest


@pytest.fixture
def chosen() -> dict[str, object]:
    """Settings of the server."""
    return {"rewrite_model": "scripted"}


async def test_the_query_that_was_searched_for_is_shown(http: httpx2.AsyncClient) -> None:
    store = (await http.post("/vector_stores", json={})).json()

    async def searched(**body: object) -> list[str]:
        answer = await http.post(f"/vector_stores/{store['id']}/search", json=body)
        assert answer.status_code == 200, answer.text
        shown: list[str] = answer.json()["search_query"]
        return shown

    one, other = "say: rent due day", "say: brood nest warmth"
    assert await searched(query=one, rewrite_query=True) == ["rent due day"]
    assert await searched(query=[one, other], rewrite_query=True) == [
        "rent due day", "brood nest warmth",
    ]  # fmt: skip
    assert await searched(query="fail: rate_limit_exceeded", rewrite_query=True) == [
        "fail: rate_limit_exceeded"
    ]
    assert await searched(query=one) == [one]


@pytest.mark.parametrize("chosen", [{}])
async def test_without_a_model_the_query_stays_as_it_is(http: httpx2.AsyncClient) -> None:
    store = (await http.post("/vector_stores", json={})).json()
    body = {"query": "say: rent due day", "rewrite_query": True}
    answer = await http.post(f"/vector_stores/{store['id']}/search", json=body)
    assert answer.json()["search_query"] == ["say: rent due day"]
