"""A prompt that is too long is understood, in whatever words a model server says it."""

import pytest

from perdure.errors import PromptTooLong
from perdure.providers import faults, refusals
from perdure.providers.openai import OpenAIProvider
from perdure.wire.base import encode
from tests.providers.talk import asks, hear


@pytest.mark.parametrize(
    ("message", "limit"),
    [
        ("This model's maximum context length is 8192 tokens. However, your messages resulted in "
         "9001 tokens. Please reduce the length of the messages.", 8192),
        ("This model's maximum context length is 4096 tokens. However, you requested 4500 tokens "
         "(4000 in the messages, 500 in the completion).", 4096),
        ("'max_tokens' or 'max_completion_tokens' is too large: 2000. This model's maximum context "
         "length is 4096 tokens and your request has 2104 input tokens (2000 > 4096 - 2104).",
         4096),
        ("Your input exceeds the context window of this model. Please adjust your input.", None),
        ("The input (9000 tokens) is longer than the model's context length (8192 tokens).", 8192),
        ("the request exceeds the available context size. try increasing the context size", None),
        ("request (4390 tokens) exceeds the available context size (4096 tokens), try increasing "
         "it", 4096),
        ("Context size has been exceeded.", None),
        ("Requested tokens (2285) exceed context window of 2048", 2048),
        ("Trying to keep the first 10136 tokens when context the overflows. However, the model is "
         "loaded with context length of only 7866 tokens, which is not enough.", 7866),
        ("The number of tokens to keep from the initial prompt is greater than the context length "
         "(n_keep: 10247 >= n_ctx: 4096).", 4096),
        ("prompt too long; exceeded max context length by 500 tokens", None),
        ("prompt is too long: 213462 tokens > 200000 maximum", 200_000),
        ("The input token count (1200000) exceeds the maximum number of tokens allowed (1,048,576)."
         , 1_048_576),
        ("Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum "
         "context length", 32768),
        ("Please reduce the length of the messages or completion.", None),
        ("This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
         131_072),
        ("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 "
         "`inputs` tokens and 100 `max_new_tokens`", 4096),
    ],
)  # fmt: skip
def test_a_prompt_that_is_too_long_is_told_from_other_refusals_with_its_limit(
    message: str, limit: int | None
) -> None:
    body = encode({"error": {"message": message}})
    error = faults.to_error(refusals.read(400, {}, body, secret=None), where="http://m", model="m")
    assert isinstance(error, PromptTooLong)
    assert (error.code, error.limit) == ("invalid_prompt", limit)
    assert error.message == f"The model server at http://m refused the request: {message}"


def test_the_limit_of_llama_cpp_stands_beside_its_message() -> None:
    error = {
        "code": 400,
        "message": "the request exceeds the available context size",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 14429,
        "n_ctx": 8192,
    }
    told = faults.to_error(refusals.in_answer(error, secret=None), where="http://m", model="m")
    assert isinstance(told, PromptTooLong)
    assert told.limit == 8192


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"message": "messages[0] is wrong."}),
        (400, {"message": "max_tokens is too large: 99999. At most 4096."}),
        (400, {"message": "Invalid value: string too long. Maximum length is 512."}),
        (413, {"message": "Request body too large."}),
        (429, {"message": "Request too large on tokens per minute: Limit 6000, Requested 9000. "
                          "Please reduce the length of the messages."}),
        (401, {"message": "No context length for you."}),
        (500, {"message": "It broke."}),
    ],
)  # fmt: skip
def test_other_refusals_are_not_mistaken_for_it(status: int, error: dict[str, str]) -> None:
    refusal = refusals.read(status, {}, encode({"error": error}), secret=None)
    assert not isinstance(faults.to_error(refusal, where="http://m", model="m"), PromptTooLong)


@pytest.mark.parametrize("model", ["too-long", "long-event"])
async def test_a_provider_raises_it_before_and_inside_of_an_answer(
    openai: OpenAIProvider, model: str
) -> None:
    with pytest.raises(PromptTooLong):
        await hear(openai, asks(model))
