"""Bounds of request bodies, in number, in memory and in what decoding may cost."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from perdure.cli.protocol import ClientConnection
from tests.cli.sockets import KEY, Answer, Listening, Raw, get, listening, post
from tests.patience import pause

MEMBERS = 1000
HELD = 1_000_000
# What each request may have in hand in any case.
FREE = 64 * 1024


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Listening]:
    async with listening(
        tmp_path / "data", max_json_members=MEMBERS, max_held_bytes=HELD
    ) as server:
        yield server


def metadata(size: int) -> bytes:
    """A body of so many bytes that creates a thread."""
    return b'{"metadata":{}' + b" " * (size - 15) + b"}"


async def half(server: Listening, body: bytes, *, missing: int = 1) -> Raw:
    """A connection that has sent a body but for its last bytes, all of them received."""
    raw = await server.connect()
    await raw.send(post("/threads", body)[:-missing])
    await _received(server, raw)
    return raw


async def _received(server: Listening, raw: Raw) -> None:
    """Waits until the application has all that was sent."""
    while True:
        assert (await server.ask(get("/assistants"))).status == 200
        for each in server.server.server_state.connections:
            assert isinstance(each, ClientConnection)
            if each.client == raw.address and each.cycle and not each.cycle.body:
                return


def assert_busy(answer: Answer) -> None:
    assert (answer.status, answer.error["code"]) == (503, "too_many_bytes_in_hand")
    assert (answer.error["type"], answer.headers["retry-after"]) == ("server_error", "1")


@pytest.mark.parametrize(
    "body",
    [
        b'{"x":[' + b"1," * MEMBERS + b"1]}",
        b'{"x":[' + b"[]," * MEMBERS + b"1]}",
        b'{"x":[' + b"{}," * MEMBERS + b"1]}",
        b'{"x":{' + b'"a":1,' * MEMBERS + b'"a":1}}',
        b"[" * 2 * MEMBERS,
    ],
)
async def test_a_body_with_too_many_members_is_refused_before_it_is_decoded(
    server: Listening, body: bytes
) -> None:
    answer = await server.ask(post("/threads", body))
    assert (answer.status, answer.error["code"]) == (413, "too_many_members")


async def test_a_body_may_have_the_most_members_and_what_is_wrong_with_them_is_told(
    tmp_path: Path,
) -> None:
    parts = [{"type": "text", "text": "a"}] * 3000 + [{"type": "text", "text": 1}]
    body = {"messages": [{"role": "user", "content": parts}]}
    async with listening(tmp_path / "data", max_json_members=10_000) as server:
        answer = await server.ask(post("/threads", json.dumps(body).encode()))
        assert answer.status == 400
        assert answer.error["param"] == "messages[0].content[3000].text"


@pytest.mark.parametrize("leaf", ['{"type":"eq","key":"a","value":[]}', "5"])
@pytest.mark.parametrize("depth", [40, 60, 250, 400, 2000])
async def test_a_body_that_is_nested_deeply_is_refused_and_breaks_nothing(
    tmp_path: Path, depth: int, leaf: str
) -> None:
    """Filters are the only thing that may be nested, and are walked."""
    nested = '{"type":"and","filters":[' * depth + leaf + "]}" * depth
    async with listening(tmp_path / "data") as server:
        store = json.loads((await server.ask(post("/vector_stores", b"{}"))).body)["id"]
        body = f'{{"query":"x","filters":{nested}}}'.encode()
        assert (await server.ask(post(f"/vector_stores/{store}/search", body))).status == 400


async def test_long_texts_are_no_members(server: Listening) -> None:
    text = "1,2,[3],{4}\n" * (256_000 // 12)
    body = {"messages": [{"role": "user", "content": text}] * 3}
    assert (await server.ask(post("/threads", json.dumps(body).encode()))).status == 200


async def test_32_messages_of_256_000_characters_of_csv_pass_with_the_default_settings(
    tmp_path: Path,
) -> None:
    text = "1,2,[3],{4}\n" * (256_000 // 12)
    body = json.dumps({"messages": [{"role": "user", "content": text}] * 32}).encode()
    async with listening(tmp_path / "data") as server:
        assert (await server.ask(post("/threads", body))).status == 200


async def test_a_tool_output_of_10_mb_of_json_passes_with_the_default_settings(
    tmp_path: Path,
) -> None:
    async with listening(tmp_path / "data") as server:

        async def ask(path: str, body: object) -> dict[str, object]:
            answer = await server.ask(post(path, json.dumps(body).encode()))
            assert answer.status == 200
            found: dict[str, object] = json.loads(answer.body)
            return found

        function = {"type": "function", "function": {"name": "look"}}
        assistant = await ask("/assistants", {"model": "m", "tools": [function]})
        run = await ask(
            "/threads/runs",
            {
                "assistant_id": assistant["id"],
                "thread": {"messages": [{"role": "user", "content": "x"}]},
            },
        )
        path = f"/threads/{run['thread_id']}/runs/{run['id']}"
        while run["status"] != "requires_action":
            await pause()
            run = json.loads((await server.ask(get(path))).body)
        (call,) = run["required_action"]["submit_tool_outputs"]["tool_calls"]  # type: ignore[index] # plain JSON
        output = json.dumps([{"a": 1, "b": [2]}] * 500_000)
        outputs = {"tool_outputs": [{"tool_call_id": call["id"], "output": output}]}
        assert (await ask(f"{path}/submit_tool_outputs", outputs))["status"] == "queued"


async def test_what_exceeds_the_bytes_in_hand_is_refused_until_there_is_room_again(
    server: Listening,
) -> None:
    first = await half(server, metadata(HELD // 2 + FREE))
    assert_busy(await server.ask(post("/threads", metadata(HELD // 2 + FREE + 2))))
    fits = metadata(HELD // 2 + FREE)
    assert (await server.ask(post("/threads", fits))).status == 200
    await first.send(b"}")
    assert (await first.answer()).status == 200
    large = metadata(HELD + FREE)
    assert (await server.ask(post("/threads", large))).status == 200


async def test_small_requests_are_answered_however_much_is_in_hand(server: Listening) -> None:
    holding = await half(server, metadata(HELD + FREE))
    assert_busy(await server.ask(post("/threads", metadata(FREE + 10))))
    assert (await server.ask(post("/threads", metadata(FREE)))).status == 200
    holding.close()


async def test_what_a_client_that_goes_away_had_in_hand_is_forgotten(server: Listening) -> None:
    (await half(server, metadata(HELD + FREE))).close()
    while (await server.ask(post("/threads", metadata(HELD + FREE)))).status != 200:
        await pause()


async def test_what_is_refused_is_not_in_hand_afterwards(server: Listening) -> None:
    for body in (b"{" * 500, b'{"x":' + b" " * HELD + b"1}", metadata(HELD + FREE + 1)):
        assert (await server.ask(post("/threads", body))).status in (400, 503)
    assert (await server.ask(post("/threads", metadata(HELD + FREE)))).status == 200


async def test_a_file_on_its_way_counts_with_what_of_it_is_not_written_yet(
    server: Listening,
) -> None:
    head = b"POST /v1/files HTTP/1.1\r\n" + KEY + b"Content-Type: multipart/form-data; boundary=b"
    form = (
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    )
    form += b"x" * 2 * HELD + b"\r\n--b--\r\n"
    upload = head + b"\r\nContent-Length: %d\r\n\r\n" % len(form) + form
    holding = await half(server, metadata(HELD // 2 + FREE))
    assert_busy(await server.ask(upload))
    holding.close()
    while (await server.ask(upload)).status != 200:
        await pause()


async def test_relayed_requests_are_not_counted_by_members(server: Listening) -> None:
    """The scripted model has a bound of its own, for what it decodes."""
    body = b'{"model": "m", "input": ["a"' + b', "a"' * 1500 + b"]}"
    assert (await server.ask(post("/embeddings", body))).status == 200
