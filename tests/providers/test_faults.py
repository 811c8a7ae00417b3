"""What goes wrong at a model server, and what the user reads of it."""

import asyncio
import socket

import pytest

from perdure.errors import ProviderError
from perdure.providers import faults, refusals
from perdure.providers.openai import OpenAIProvider
from perdure.providers.patience import Patience
from perdure.providers.provider import Provider
from tests.model_servers.fixture import ModelServer
from tests.patience import PATIENCE_SECONDS, pass_time
from tests.providers.conftest import KEY
from tests.providers.talk import asks, fails, hear

SAID = "Hello from the módel 🙂 server."

EARLY = "server_error", "The model server at {url} ended its answer too early."
UNREADABLE = "server_error", "The model server at {url} sent what cannot be read as an answer."
IN_WORDS = "server_error", "The model server at {url} failed: Not in this format."
REFUSED = (
    "server_error",
    (
        "The model server at {url} refused the API key (HTTP {status}). "
        "Check PERDURE_MODEL_API_KEY or the server's api_key in perdure.toml."
    ),
)


@pytest.mark.parametrize(
    ("model", "code", "message"),
    [
        ("unauthorized", REFUSED[0], REFUSED[1].replace("{status}", "401")),
        ("forbidden", REFUSED[0], REFUSED[1].replace("{status}", "403")),
        (
            "unknown",
            "server_error",
            "The model server at {url} does not know the model 'unknown'. Map the name to one that "
            "it knows under [model_aliases] in perdure.toml. If it knows no model at all, check "
            "its base_url, which usually ends in /v1.",
        ),
        ("busy-long", "rate_limit_exceeded", "Come back in an hour."),
        ("busy-99", "rate_limit_exceeded", "Slow down."),
        ("quota", "rate_limit_exceeded", "You exceeded your quota."),
        (
            "too-long",
            "invalid_prompt",
            "The model server at {url} refused the request: This model's limit is 8192.",
        ),
        (
            "invalid",
            "invalid_prompt",
            "The model server at {url} refused the request: messages[0] is wrong.",
        ),
        ("failing-99", "server_error", "The model server at {url} failed (HTTP 500): It broke."),
        ("overloaded", "server_error", "The model server at {url} failed (HTTP 529): Overloaded."),
        ("bad-gateway", "server_error", "The model server at {url} failed (HTTP 502): Bad gateway"),
        (
            "web-page",
            "server_error",
            "The model server at {url} answered with a web page. Check its base_url, which usually "
            "ends in /v1.",
        ),
        ("hangs-up-99", "server_error", "The connection to the model server at {url} broke."),
        ("cut", "server_error", "The connection to the model server at {url} broke."),
        ("cut-politely", *EARLY),
        ("cut-in-a-line", *EARLY),
        ("malformed", *UNREADABLE),
        ("nothing", *IN_WORDS),
        ("whole-nothing", *IN_WORDS),
        ("error-event", "server_error", "The model server at {url} failed: The GPU fell over."),
        ("text-event", "server_error", "The model server at {url} failed: Out of memory."),
        ("rate-event", "rate_limit_exceeded", "Slow down."),
        ("long-event", "invalid_prompt", "The model server at {url} refused the request: Long"),
        ("whole-error", "server_error", "The model server at {url} failed (HTTP 503): No GPU is "
         "free."),
        ("flood", "server_error", "The answer of the model server at {url} has no end."),
        ("endless-line", "server_error", "The model server sent an event without an end."),
    ],
)  # fmt: skip
async def test_a_fault_is_told_in_a_sentence(
    openai: Provider, model_server: ModelServer, model: str, code: str, message: str
) -> None:
    expected = code, message.replace("{url}", model_server.base_url)
    assert await fails(openai, asks(model)) == expected


@pytest.mark.parametrize(
    ("model", "attempts"),
    [("busy-3", 4), ("busy-until-3", 4), ("failing-3", 4), ("hangs-up-3", 4)],
)
async def test_a_fault_that_passes_is_not_noticed(
    openai: Provider, model_server: ModelServer, model: str, attempts: int
) -> None:
    assert (await hear(openai, asks(model))).text == SAID
    assert len(model_server.seen()) == attempts


@pytest.mark.parametrize(
    ("model", "attempts"),
    [("failing-99", 4), ("busy-99", 4), ("overloaded", 4), ("bad-gateway", 4), ("hangs-up-99", 4),
     ("busy-long", 1), ("quota", 1), ("unauthorized", 1), ("unknown", 1), ("invalid", 1),
     ("cut", 1), ("error-event", 1), ("rate-event", 1), ("malformed", 1), ("whole-error", 1)],
)  # fmt: skip
async def test_what_lasts_is_not_tried_for_ever_and_what_has_begun_not_again(
    openai: Provider, model_server: ModelServer, model: str, attempts: int
) -> None:
    await fails(openai, asks(model))
    assert len(model_server.seen()) == attempts


@pytest.mark.parametrize("model", ["silent", "stalls"])
async def test_silence_ends_the_call_and_is_not_repeated(
    model_server: ModelServer, model: str
) -> None:
    provider = OpenAIProvider(model_server.base_url, idle_seconds=PATIENCE_SECONDS)
    chunks = provider.chat(asks(model))
    while model == "stalls" and (await anext(chunks)).choices[0].delta.content != "Hello ":
        pass
    waiting = asyncio.ensure_future(anext(chunks))
    await asyncio.to_thread(model_server.wait_asked, 1)
    pass_time(PATIENCE_SECONDS)
    with pytest.raises(ProviderError) as caught:
        await waiting
    await provider.close()
    assert caught.value.code == "server_error"
    assert caught.value.message == (
        f"The model server at {model_server.base_url} did not answer in time."
    )
    assert len(model_server.seen()) == 1


async def test_what_was_written_before_the_fault_is_handed_on(openai: Provider) -> None:
    chunks = openai.chat(asks("error-event"))
    texts = [(await anext(chunks)).choices[0].delta.content for _ in range(3)]
    assert texts == ["", "Hello ", "from "]
    with pytest.raises(ProviderError):
        await anext(chunks)


@pytest.mark.parametrize("model", ["unauthorized", "echoes", "echoes-in-stream", "forbidden"])
async def test_no_message_holds_the_key(openai: Provider, model: str) -> None:
    """`echoes` puts it where a long message is cut off: half a key is too much as well."""
    _, message = await fails(openai, asks(model))
    assert KEY[:4] not in message


async def test_long_messages_of_the_server_are_cut(
    openai: Provider, model_server: ModelServer
) -> None:
    _, message = await fails(openai, asks("chatty-refusal"))
    said = ("no " * 10_000)[:500]
    assert message == f"The model server at {model_server.base_url} refused the request: {said}"


async def test_a_refusal_without_an_end_is_not_read_to_it(
    openai: Provider, model_server: ModelServer
) -> None:
    assert await fails(openai, asks("endless-refusal")) == (
        "invalid_prompt",
        f"The model server at {model_server.base_url} refused the request: {('no ' * 200)[:500]}",
    )
    await asyncio.to_thread(model_server.wait_aborted, 1)


async def test_a_server_that_is_not_there_is_told() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        provider = OpenAIProvider(url, patience=Patience(0))
        # bound, but it does not listen: refused for as long as the socket is held
        assert await fails(provider, asks("text")) == (
            "server_error",
            f"The model server at {url} cannot be reached. It has not answered since Perdure was "
            "started: check that it runs, and its base_url.",
        )
        await provider.close()


async def test_a_host_name_that_is_not_known_is_told() -> None:
    provider = OpenAIProvider("http://me:hidden@no-such-host.invalid/v1")
    assert await fails(provider, asks("text")) == (
        "server_error",
        "The model server at http://no-such-host.invalid/v1 cannot be reached: its host name is "
        "not known.",
    )
    await provider.close()


async def test_a_server_that_speaks_no_tls_is_told(model_server: ModelServer) -> None:
    url = model_server.base_url.replace("http:", "https:")
    provider = OpenAIProvider(url)
    _, message = await fails(provider, asks("text"))
    await provider.close()
    assert message.startswith(f"The model server at {url} cannot be reached: TLS failed, ")


async def test_a_server_that_lists_no_models_is_told(model_server: ModelServer) -> None:
    provider = OpenAIProvider(model_server.base_url, api_key="listless")
    with pytest.raises(ProviderError) as caught:
        await provider.models()
    await provider.close()
    assert caught.value.message == (
        f"The model server at {model_server.base_url} does not list models."
    )


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", None),
     ("", None)],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str, seconds: float | None) -> None:
    refusal = refusals.read(429, {"Retry-After": header}, b"", secret=None)
    assert refusal.retry_after == seconds


def test_a_date_far_away_is_no_reason_to_wait() -> None:
    header = {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}
    refusal = refusals.read(429, header, b"", secret=None)
    assert refusal.retry_after is not None
    assert refusal.retry_after > 1e9


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Authorization: Bearer abc is wrong", "Authorization: Bearer *** is wrong"),
        ('{"authorization": "Basic YTpi"}', '{"authorization": "Basic ***"}'),
        ("got bearer tok_123, sorry", "got bearer ***, sorry"),
        ("a bearer token is needed", "a bearer token is needed"),
    ],
)
def test_credentials_of_others_are_not_shown_either(said: str, shown: str) -> None:
    assert refusals.in_answer(said, secret=None).message == shown


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[1]", b'"x"', b"\xff", b"{", b'{"error": null}', b'{"error": [1]}',
     b'{"error": {"message": {"deep": 1}, "code": 5}}', b"[" * 100_000],
)  # fmt: skip
def test_whatever_stands_in_a_refusal_it_is_read(body: bytes) -> None:
    refusal = refusals.read(500, {}, body, secret=None)
    error = faults.to_error(refusal, where="http://m", model="m")
    assert error.message.startswith("The model server at http://m failed (HTTP 500)")
