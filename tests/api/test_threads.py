"""The list of threads, which the original does not have."""

import httpx2


async def test_threads_are_listed_in_pages_of_both_orders(http: httpx2.AsyncClient) -> None:
    ids = [(await http.post("/threads", json={})).json()["id"] for _ in range(5)]
    found = (await http.get("/threads")).json()
    assert [each["id"] for each in found["data"]] == ids[::-1]
    assert found["data"][0] == (await http.get(f"/threads/{ids[-1]}")).json()
    assert (found["object"], found["first_id"], found["has_more"]) == ("list", ids[-1], False)
    page = (await http.get(f"/threads?limit=2&order=asc&after={ids[0]}")).json()
    assert [each["id"] for each in page["data"]] == ids[1:3]
    assert page["has_more"]
    page = (await http.get(f"/threads?limit=2&before={ids[1]}")).json()
    assert [each["id"] for each in page["data"]] == [ids[3], ids[2]]


async def test_a_deleted_thread_keeps_its_place_as_a_cursor(http: httpx2.AsyncClient) -> None:
    ids = [(await http.post("/threads", json={})).json()["id"] for _ in range(3)]
    await http.delete(f"/threads/{ids[1]}")
    page = (await http.get(f"/threads?after={ids[1]}")).json()
    assert [each["id"] for each in page["data"]] == [ids[0]]
    unknown = await http.get("/threads?after=thread_no")
    assert (unknown.status_code, unknown.json()["error"]["message"]) == (
        404, "No thread found with id 'thread_no'.",
    )  # fmt: skip
