"""How long a provider waits before it tries again, here in earnest."""

from collections.abc import Iterator

import pytest
import stamina
from stamina.instrumentation import RetryDetails, set_on_retry_hooks
from structlog.testing import capture_logs

from perdure.model_servers import ModelServerSettings, connect
from perdure.providers.openai import OpenAIProvider
from tests.model_servers.fixture import ModelServer
from tests.providers.talk import asks, hear


@pytest.fixture
def waits() -> Iterator[list[float]]:
    """The seconds that were waited before each retry."""
    seconds: list[float] = []

    def note(details: RetryDetails) -> None:
        seconds.append(details.wait_for)

    set_on_retry_hooks([note])
    with stamina.set_testing(False):
        yield seconds
    set_on_retry_hooks(None)


async def test_a_wait_that_the_server_asks_for_is_kept_to_the_second(
    openai: OpenAIProvider, waits: list[float]
) -> None:
    assert (await hear(openai, asks("busy-briefly-2"))).finish == "stop"
    assert waits == [0.05, 0.05]


async def test_a_date_in_the_past_is_no_reason_to_wait(
    openai: OpenAIProvider, waits: list[float]
) -> None:
    assert (await hear(openai, asks("busy-until-3"))).finish == "stop"
    assert waits == [0, 0, 0]


async def test_without_such_a_wish_there_is_a_wait_of_its_own(
    openai: OpenAIProvider, model_server: ModelServer, waits: list[float]
) -> None:
    assert (await hear(openai, asks("failing-1"))).finish == "stop"
    assert len(waits) == 1
    assert 0.1 <= waits[0] <= 1.2


async def test_a_retry_is_told_in_the_words_that_a_run_would_fail_with(
    model_server: ModelServer,
) -> None:
    provider = connect([ModelServerSettings("default", model_server.base_url, "sk-secret")], {})
    try:
        with capture_logs() as lines:
            await hear(provider, asks("failing-1"))
    finally:
        await provider.close()
        set_on_retry_hooks(None)
    (line,) = lines
    assert (line["event"], line["attempt"]) == ("model_call_retried", 1)
    assert line["reason"].startswith("The model server at ")
    assert not {"callable", "args", "kwargs"} & line.keys()
    assert "sk-secret" not in str(line)
