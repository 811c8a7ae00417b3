"""However an answer is written down, it is read whole, and one that is not whole is an error."""

import pytest

from perdure.providers.openai import OpenAIProvider
from tests.model_servers.endings import BROKE, CALLED, ERRORS, FAILURES, LENGTHS, SAID, WHOLE
from tests.model_servers.fixture import ModelServer
from tests.providers.talk import asks, breaks_off, fails, hear

# The prompt of a test is "Hello": one token, with 3 for its message and 3 for the answer.
PROMPT = 7
COUNTED = 8


@pytest.mark.parametrize("form", ERRORS)
async def test_an_error_in_mid_answer_is_told_in_the_server_s_words(
    openai: OpenAIProvider, model_server: ModelServer, form: str
) -> None:
    heard, error = await breaks_off(openai, asks(f"breaks-{form}"))
    assert heard.text == "Hello from "
    assert error.message.startswith(f"The model server at {model_server.base_url} failed")
    assert BROKE in error.message


@pytest.mark.parametrize("form", ERRORS)
async def test_an_error_in_the_place_of_an_answer_is_told_in_the_server_s_words(
    openai: OpenAIProvider, form: str
) -> None:
    heard, error = await breaks_off(openai, asks(f"first-{form}"))
    assert heard.text == ""
    assert BROKE in error.message


@pytest.mark.parametrize("reason", FAILURES)
async def test_a_finish_reason_that_says_failure_fails_the_answer_and_keeps_its_usage(
    openai: OpenAIProvider, model_server: ModelServer, reason: str
) -> None:
    heard, error = await breaks_off(openai, asks(f"fails-{reason}"))
    assert error.message == (
        f"The model server at {model_server.base_url} failed: finish_reason '{reason}'"
    )
    assert heard.usage == (11, 6, 17)


async def test_what_is_told_behind_a_failure_is_its_words(
    openai: OpenAIProvider, model_server: ModelServer
) -> None:
    assert await fails(openai, asks("fails-and-tells-later")) == (
        "server_error",
        f"The model server at {model_server.base_url} failed: {BROKE}",
    )


@pytest.mark.parametrize("reason", LENGTHS)
async def test_length_is_length_under_any_name(openai: OpenAIProvider, reason: str) -> None:
    heard = await hear(openai, asks(f"cut-{reason}"))
    assert (heard.text, heard.finish) == ("Hello from ", "length")


@pytest.mark.parametrize("form", WHOLE)
async def test_a_whole_answer_is_read_whole_in_any_form(openai: OpenAIProvider, form: str) -> None:
    heard = await hear(openai, asks(f"whole-{form}"))
    assert heard.text == SAID
    assert heard.finish in ("stop", None)
    assert heard.ends_with_usage


@pytest.mark.parametrize(
    ("form", "usage"),
    [
        ("usage-in-strings", (11, 6, 0)),
        ("usage-in-floats", (11, 6, 0)),
        ("usage-with-lists", (11, 6, 17)),
        ("usage-negative", (PROMPT, COUNTED, PROMPT + COUNTED)),
        ("usage-zero", (PROMPT, COUNTED, PROMPT + COUNTED)),
        ("usage-without-prompt", (11, 6, 17)),
        ("usage-without-completion", (11, COUNTED, 11 + COUNTED)),
        ("usage-absurd", (PROMPT, COUNTED, PROMPT + COUNTED)),
        ("usage-as-list", (PROMPT, COUNTED, PROMPT + COUNTED)),
        ("usage-as-text", (PROMPT, COUNTED, PROMPT + COUNTED)),
    ],
)
async def test_usage_is_read_as_it_was_meant_and_counted_where_it_cannot_be(
    openai: OpenAIProvider, form: str, usage: tuple[int, int, int]
) -> None:
    heard = await hear(openai, asks(f"whole-{form}"))
    assert heard.usage == usage
    assert len(heard.usages) == 1


@pytest.mark.parametrize("form", CALLED)
async def test_a_call_is_read_in_any_form(openai: OpenAIProvider, form: str) -> None:
    heard = await hear(openai, asks(form))
    ((name, arguments),) = heard.called
    assert (name, arguments.replace(" ", "")) == ("get_weather", '{"city":"Paris"}')
    assert heard.finish == "tool_calls"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("event-error-without-data", "The model server at {url} failed."),
        ("no-choices", 'The model server at {url} sent something else than an answer: {"output":'
         '"Hello."}'),
        ("empty-choices", "The model server at {url} ended its answer too early."),
        ("no-calls", "The model server at {url} ended its answer with calls of tools, and sent "
         "none."),
        ("nothing-at-all", "The model server at {url} ended its answer too early."),
        ("lost", "The model server at {url} sent what cannot be read as an answer."),
    ],
)  # fmt: skip
async def test_an_answer_of_which_nothing_was_read_is_an_error(
    openai: OpenAIProvider, model_server: ModelServer, model: str, message: str
) -> None:
    assert await fails(openai, asks(model)) == (
        "server_error",
        message.replace("{url}", model_server.base_url),
    )
