"""Deliveries to webhooks over HTTP: listed, shown, and sent again."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from aiohttp import web

from perdure.app import Perdure
from perdure.testing.manual_clock import ManualClock
from perdure.webhooks import deliveries
from perdure.webhooks.deliveries import Delivery
from tests.commands.acts import Acts
from tests.webhooks.receiver import SECRET, Receiver, receiving

GONE = "a b/c"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def chosen(receiver: Receiver) -> dict[str, object]:
    """Two webhooks, of which the second has a name that paths have to spell."""
    names = ("app", GONE)
    return {
        "webhooks": [
            {"name": name, "url": receiver.url, "secret": SECRET, "events": ["thread.run.failed"]}
            for name in names
        ],
        "webhook_private_targets": True,
    }


@pytest.fixture
def acts(app: Perdure, clock: ManualClock) -> Acts:
    acts = Acts(app.database)
    acts.now = int(clock.now())
    return acts


async def fail(acts: Acts) -> str:
    """A run that fails; its id."""
    hold = await acts.writing()
    await acts.fail(hold)
    return hold.run_id


async def claim(acts: Acts, webhook: str) -> Delivery:
    (delivery,) = await acts.database.write(
        deliveries.claim, {webhook: 1}, now=float(acts.now), lease_seconds=30
    )
    return delivery


async def ids(http: httpx2.AsyncClient, query: str) -> list[str]:
    answer = await http.get(f"/webhook_deliveries?{query}")
    return [each["id"] for each in answer.json()["data"]]


async def test_deliveries_are_listed_by_time_and_status(
    acts: Acts, http: httpx2.AsyncClient
) -> None:
    # Later than the server's clock, so that only the test sends anything.
    runs = []
    for _ in range(2):
        acts.now += 10
        runs.append(await fail(acts))
    found = (await http.get("/webhook_deliveries")).json()
    listed = found["data"]
    assert [each["run_id"] for each in listed] == [runs[1], runs[1], runs[0], runs[0]]
    assert (found["object"], found["has_more"]) == ("list", False)
    newest = [each["id"] for each in listed]
    assert (found["first_id"], found["last_id"]) == (newest[0], newest[-1])
    assert listed[0] == {
        "id": f"{listed[0]['event_id']}.{listed[0]['webhook']}",
        "object": "webhook.delivery",
        "created_at": acts.now,
        "webhook": listed[0]["webhook"],
        "event_id": listed[0]["event_id"],
        "event": "thread.run.failed",
        "run_id": runs[1],
        "status": "waiting",
        "attempts": 0,
        "next_attempt_at": acts.now,
        "delivered_at": None,
        "given_up_at": None,
        "last_response_status": None,
        "last_error": None,
    }
    delivery = await claim(acts, "app")
    await acts.database.write(
        deliveries.give_up, delivery, now=acts.now, error="No.", response_status=500
    )
    queries = {
        "": newest,
        "order=asc": newest[::-1],
        "limit=3": newest[:3],
        f"limit=2&after={newest[1]}": newest[2:],
        f"before={newest[2]}&limit=1": [newest[1]],
        f"order=asc&after={newest[3]}&before={newest[0]}": newest[2:0:-1],
        "status=given_up": [f"{delivery.id}.app"],
        "status=waiting": [each for each in newest if each != f"{delivery.id}.app"],
        "status=delivered": [],
        "status=": newest,
    }
    for query, expected in queries.items():
        assert await ids(http, query) == expected, query


async def test_a_delivered_one_is_shown_without_its_data(
    acts: Acts, http: httpx2.AsyncClient
) -> None:
    acts.now += 10
    run_id = await fail(acts)
    path = f"/webhook_deliveries/{(await ids(http, ''))[0]}"
    shown = (await http.get(path)).json()
    run = await acts.get(run_id)
    assert shown["data"] == (await http.get(f"/threads/{run.thread_id}/runs/{run_id}")).json()
    for webhook in ("app", GONE):
        delivery = await claim(acts, webhook)
        await acts.database.write(deliveries.deliver, delivery, now=acts.now, response_status=204)
    shown = (await http.get(path)).json()
    assert (shown["status"], shown["data"], shown["last_response_status"]) == (
        "delivered", None, 204,
    )  # fmt: skip
    assert (shown["delivered_at"], shown["next_attempt_at"]) == (acts.now, None)


async def test_what_was_given_up_is_sent_again(
    app: Perdure, acts: Acts, http: httpx2.AsyncClient, receiver: Receiver
) -> None:
    receiver.answers = [web.Response(status=410), web.Response(status=410)]
    await fail(acts)
    await receiver.wait_received(2)
    while len(given_up := await ids(http, "status=given_up")) < 2:
        pass
    (path,) = [f"/webhook_deliveries/{each}" for each in given_up if each.endswith(GONE)]
    shown = (await http.get(path)).json()
    assert (shown["last_response_status"], shown["attempts"]) == (410, 1)
    answer = await http.post(f"{path}/send_again")
    assert (answer.status_code, answer.json()["status"]) == (200, "waiting")
    received = await receiver.wait_received(3)
    assert received[2].headers["webhook-id"] == shown["event_id"]
    assert received[2].body in (received[0].body, received[1].body)
    while (await http.get(path)).json()["status"] != "delivered":
        pass
    again = await http.post(f"{path}/send_again")
    assert (again.status_code, again.json()["error"]["code"]) == (400, "delivery_not_given_up")


@pytest.mark.parametrize(
    ("delivery_id", "status"), [("evt_no", 404), ("evt_no.app", 404), ("run_1", 400)]
)
async def test_a_delivery_that_is_not_there_is_not_found(
    delivery_id: str, status: int, http: httpx2.AsyncClient
) -> None:
    path = f"/webhook_deliveries/{delivery_id}"
    assert (await http.get(path)).status_code == status
    assert (await http.post(f"{path}/send_again")).status_code == status
    assert (await http.get("/webhook_deliveries?after=evt_no")).status_code == 404


@pytest.mark.parametrize(
    ("query", "param"),
    [("status=done", "status"), ("status=waiting&status=waiting", "status"), ("limit=0", "limit")],
)
async def test_a_query_that_cannot_be_answered_is_refused(
    query: str, param: str, http: httpx2.AsyncClient
) -> None:
    answer = await http.get(f"/webhook_deliveries?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
