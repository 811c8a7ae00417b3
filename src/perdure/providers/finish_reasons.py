"""Meaning of a model server's finish reason: one of the four documented ones, or a failure.

The names are those of OpenAI, Azure, Anthropic, Gemini, Mistral, Cohere, DeepSeek, Qwen, GLM, Grok,
Bedrock, watsonx, vLLM, SGLang, TGI, llama.cpp, Ollama and OpenRouter.
"""

import re
from typing import Literal, TypeAlias

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]
Meaning: TypeAlias = FinishReason | Literal["failure", "unfinished"]

# By name, in lower case. What is in here is what the words below would read otherwise.
_NAMES: dict[str, Meaning] = {
    "": "unfinished",
    "null": "unfinished",
    "none": "unfinished",
    "finish_reason_unspecified": "unfinished",
    "stop": "stop",
    "tool_calls": "tool_calls",
    "length": "length",
    "content_filter": "content_filter",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "function_calls": "tool_calls",
    "error_limit": "length",
    "error_toxic": "content_filter",
    "insufficient_system_resource": "failure",
    "time_limit": "failure",
    "not_finished": "failure",
    "unexpected_tool_call": "failure",
    "too_many_tool_calls": "failure",
    "language": "content_filter",
}
# The meaning of words in other names; the first that fits decides.
_WORDS: tuple[tuple[re.Pattern[str], Meaning], ...] = (
    (
        re.compile(
            r"error|fail|abort|cancel|malformed|invalid|interrupt|time_?d?_?out|overload"
            r"|unavailable|exhaust|exception|crash|kill|disconnect|rate_limit|quota"
        ),
        "failure",
    ),
    (re.compile(r"length|max\w*tokens|token_limit|truncat|context|incomplete"), "length"),
    (
        re.compile(
            r"filter|safety|sensitive|recitation|blocklist|prohibited|spii|guardrail|moderation"
            r"|refusal|toxic"
        ),
        "content_filter",
    ),
)


def meaning(reason: str) -> Meaning:
    """Returns the meaning of a finish reason. An unknown one that says nothing of a failure is
    `stop`.
    """
    name = reason.strip().lower().replace("-", "_").replace(" ", "_")
    known = _NAMES.get(name)
    if known is not None:
        return known
    return next((means for words, means in _WORDS if words.search(name)), "stop")
