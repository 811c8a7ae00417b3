"""Which refusals mean that tools must be offered because the messages hold calls."""

import pytest

from perdure.providers import tools_required


@pytest.mark.parametrize(
    "message",
    [
        "Requests which have `tool_use` or `tool_result` blocks in `messages` must define `tools`.",
        "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        "litellm.UnsupportedParamsError: Anthropic doesn't support tool calling without `tools=` "
        "param specified. Pass `tools=` param OR set `litellm.modify_params = True`",
        "Anthropic expects the `tools=` param to be passed in.",
        "tools is required when messages contain tool calls",
        "'tools' must be provided",
        "missing field `tools`",
        "Missing parameter 'tools'",
    ],
)
def test_what_servers_say_that_want_tools(message: str) -> None:
    assert tools_required.says_so(message)


@pytest.mark.parametrize(
    "message",
    [
        "Unrecognized request argument supplied: tools",
        "This model does not support tools.",
        "tools[0].function.parameters must be an object",
        "messages[2] must be a response to tool_calls",
        "An assistant message with 'tool_calls' must be followed by tool messages",
        "Model is required",
        "'tools' must not be longer than 128",
    ],
)
def test_other_words_about_tools_are_no_such_wish(message: str) -> None:
    assert not tools_required.says_so(message)
