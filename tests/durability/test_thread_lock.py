"""Two hundred requests at once for a run on one thread: one is granted (spec 03 §11)."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp

from tests.durability.nodes import Node, killed

_REQUESTS = 200
_HEADERS = {"Authorization": "Bearer any", "OpenAI-Beta": "assistants=v2"}


async def _race(nodes: list[Node]) -> None:
    """Asks all servers in turn, all at once."""
    with killed(nodes):
        await asyncio.gather(*(node.start() for node in nodes))
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(headers=_HEADERS, connector=connector) as session:

            async def post(path: str, body: object, node: int = 0) -> tuple[int, Any]:
                url = nodes[node % len(nodes)].url + path
                async with session.post(url, json=body) as answer:
                    return answer.status, await answer.json()

            _, assistant = await post("/assistants", {"model": "scripted"})
            message = {"role": "user", "content": "forever\nwait 20 ms"}
            _, thread = await post("/threads", {"messages": [message]})
            answers = await asyncio.gather(
                *(
                    post(f"/threads/{thread['id']}/runs", {"assistant_id": assistant["id"]}, number)
                    for number in range(_REQUESTS)
                )
            )
    assert Counter(status for status, _ in answers) == {200: 1, 400: _REQUESTS - 1}
    (made,) = [body["id"] for status, body in answers if status == 200]
    refusal = {
        "error": {
            "message": f"Thread {thread['id']} already has an active run {made}.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    }
    assert [body for status, body in answers if status == 400] == [refusal] * (_REQUESTS - 1)


async def test_one_server_on_sqlite_grants_one_of_200(tmp_path: Path) -> None:
    await _race([Node(tmp_path)])


async def test_two_servers_on_one_postgresql_grant_one_of_200(
    tmp_path: Path, postgres_url: str
) -> None:
    flags = ("--database-url", postgres_url)
    await _race([Node(tmp_path / "a", *flags), Node(tmp_path / "b", *flags)])
