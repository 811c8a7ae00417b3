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


async def test_a_thread_is_copied_up_to_a_message_that_is_another_one(
    http: httpx2.AsyncClient,
) -> None:
    said = [{"role": "user", "content": text} for text in ("One", "Two", "Three")]
    thread = (await http.post("/threads", json={"messages": said})).json()
    path = f"/threads/{thread['id']}"
    second = (await http.get(f"{path}/messages")).json()["data"][1]
    change = {"id": second["id"], "content": "2"}
    asked = {"up_to": second["id"], "messages": [change]}
    made = (await http.post(f"{path}/copy", json=asked)).json()
    assert made["metadata"] == {"perdure_copied_from": thread["id"]}
    listed = (await http.get(f"/threads/{made['id']}/messages?order=asc")).json()["data"]
    assert [each["content"][0]["text"]["value"] for each in listed] == ["One", "2"]
    whole = (await http.post(f"{path}/copy")).json()
    listed = (await http.get(f"/threads/{whole['id']}/messages")).json()["data"]
    assert len(listed) == 3
    wrong = {"messages": [{"id": second["id"], "role": "user"}]}
    error = (await http.post(f"{path}/copy", json=wrong)).json()["error"]
    assert error["param"] == "messages[0].role"
