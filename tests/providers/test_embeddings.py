"""Embedding models: what is asked of their servers, and what their faults become."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from perdure.errors import ConfigurationError, ProviderAway, ProviderError
from perdure.model_servers import connect_embeddings
from perdure.settings.models import SCRIPTED
from perdure.testing.scripted_model import ScriptedProvider
from tests.providers.conftest import KEY
from tests.providers.embedding_server import Server, refusal, serving, vectors
from tests.providers.talk import relayed


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server that answers."""
    async with serving() as server:
        yield server


async def test_many_texts_go_in_batches_of_32_and_come_back_in_order(server: Server) -> None:
    model = server.model()
    found = await model.embed(["x" * (n + 1) for n in range(70)])
    await model.close()
    assert found == [[n + 1, 1] for n in range(70)]
    assert sorted(len(body["input"]) for body in server.asked) == [6, 32, 32]
    assert set(server.headers) == {f"Bearer {KEY}"}
    assert "dimensions" not in server.asked[0]
    assert model.name == "m"


async def test_dimensions_are_asked_for_and_part_of_the_name(server: Server) -> None:
    model = server.model(2)
    await model.embed(["x", ""])
    await model.close()
    assert server.asked == [{"model": "m", "input": ["x", " "], "dimensions": 2}]
    assert model.name == "m@2"


async def test_passing_faults_are_tried_again(server: Server) -> None:
    server.answers = [refusal(503, "busy"), refusal(429, "slow down"), refusal(500, "oh")]
    model = server.model()
    assert await model.embed(["x"]) == [[1, 1]]
    await model.close()
    assert len(server.asked) == 4


async def test_a_server_that_stays_away_is_an_error_after_four_attempts(server: Server) -> None:
    server.answers = [refusal(503, "busy")] * 5
    model = server.model()
    with pytest.raises(ProviderAway, match=r"failed \(HTTP 503\): busy"):
        await model.embed(["x"])
    await model.close()
    assert len(server.asked) == 4


async def test_a_server_that_asks_for_patience_is_not_called_again_at_once(server: Server) -> None:
    server.answers = [
        lambda _: web.json_response({}, status=429, headers={"Retry-After": "60"}),
    ]
    model = server.model()
    with pytest.raises(ProviderAway):
        await model.embed(["x"])
    await model.close()
    assert len(server.asked) == 1


async def test_a_wrong_key_or_model_is_said_at_once_and_without_the_key(server: Server) -> None:
    server.answers = [refusal(401, f"bad key {KEY}")]
    model = server.model()
    with pytest.raises(ProviderError) as caught:
        await model.embed(["x"])
    await model.close()
    assert not isinstance(caught.value, ProviderAway)
    assert caught.value.message == (
        "The server at embedding_base_url refused the model 'm' (HTTP 401). Check "
        "embedding_base_url, embedding_model and embedding_api_key. It said: bad key ***"
    )
    assert len(server.asked) == 1


async def test_texts_that_are_too_long_count_with_their_beginning(server: Server) -> None:
    def limited(body: dict[str, list[str]]) -> web.Response:
        if max(map(len, body["input"])) > 300:
            return refusal(400, "maximum context length is 300 tokens")(body)
        return vectors(body)

    server.answers = [limited] * 3
    model = server.model()
    assert await model.embed(["x" * 1000, "y" * 10]) == [[250, 1], [10, 1]]
    await model.close()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"data": []}, "sent 0 vectors for 2 texts"),
        ({"data": [{"index": 0, "embedding": [1]}] * 2}, "sent 2 vectors for 2 texts"),
        ({"data": [{"index": n, "embedding": [1] * (n + 1)} for n in (0, 1)]}, "several lengths"),
        ({"data": [{"index": 0, "embedding": []}]}, "cannot be read as vectors"),
        ({"data": [{"index": 0, "embedding": "AAAA"}]}, "cannot be read as vectors"),
        ("hello", "cannot be read as vectors"),
    ],
)
async def test_what_is_no_answer_is_an_error(server: Server, answer: object, message: str) -> None:
    server.answers = [lambda _: web.json_response(answer)]
    model = server.model()
    with pytest.raises(ProviderError, match=message):
        await model.embed(["x", "y"])
    await model.close()


async def test_a_server_that_is_not_there_is_an_error() -> None:
    model = connect_embeddings("http://127.0.0.1:9/v1", model="m")
    with pytest.raises(ProviderAway, match="cannot be reached"):
        await model.embed(["x"])
    await model.close()


def test_a_key_that_cannot_be_sent_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigurationError, match="no HTTP header takes"):
        connect_embeddings("http://localhost/v1", model="m", api_key="schlüssel")


async def test_the_scripted_vectors_are_unit_vectors_that_know_spelling() -> None:
    model = connect_embeddings(SCRIPTED, model="any", dimensions=256)
    keeper, keeping, rent, nothing = await model.embed(["beekeeper", "beekeeping", "rent", "…"])

    def near(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert near(keeper, keeper) == pytest.approx(1)
    assert near(keeper, keeping) > 0.4 > near(keeper, rent)
    assert nothing == [0.0] * 256
    assert await model.embed(["rent"]) == [rent]


async def test_the_scripted_model_answers_embeddings_as_servers_do() -> None:
    body = json.dumps({"model": "m", "input": "rent", "dimensions": 4}).encode()
    status, headers, answer = await relayed(ScriptedProvider(), "embeddings", body)
    document = json.loads(answer)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert (document["object"], document["model"]) == ("list", "m")
    assert document["usage"] == {"prompt_tokens": 1, "total_tokens": 1}
    (item,) = document["data"]
    assert (item["object"], item["index"], len(item["embedding"])) == ("embedding", 0, 4)
    status, _, answer = await relayed(ScriptedProvider(), "embeddings", b'{"model": "m"}')
    assert status == 400
    assert json.loads(answer)["error"]["message"] == (
        "The scripted model cannot read this request: Object missing required field `input`"
    )
