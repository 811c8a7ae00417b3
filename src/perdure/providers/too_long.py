"""Texts by which model servers say that a prompt is too long, and the window that they state.

There is no common form. These are the words of OpenAI, Azure, vLLM, SGLang, llama.cpp, LM Studio,
Ollama, TGI, Anthropic, Gemini, Mistral, Groq, xAI and OpenRouter.
"""

import re

from perdure.wire.base import JsonObject

_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_SAID = re.compile(
    r"(maximum|model's|max) context length|context[ _]length[ _]exceeded"
    r"|exceeds? (the|your) context|(exceeds?|exceeded) the available context size"
    r"|context size has been exceeded"
    r"|context length of only|greater than the context length|exceeds? context window"
    r"|(prompt|input) is too long|prompt too long|maximum prompt length is"
    r"|input token count .*exceeds the maximum|reduce the length of the (messages|prompt)"
    r"|too large for model with|inputs` tokens \+",
    re.IGNORECASE,
)
# The number that stands beside one of these is the window's size, and not that of the prompt.
_LIMIT = re.compile(
    r"(?:context length|context size|context window|prompt length)(?: is| of)?(?: only)?:? ?\(?"
    r"(?P<behind>\d[\d,]{0,11})"
    r"|number of tokens allowed \(?(?P<allowed>\d[\d,]{0,11})"
    r"|(?P<before>\d[\d,]{0,11}) maximum"
    r"|must be <= (?P<bound>\d[\d,]{0,11})"
    r"|n_ctx: (?P<field>\d{1,9})",
    re.IGNORECASE,
)


def says_so(message: str, code: str) -> bool:
    """Returns true if a refusal means that the prompt is too long."""
    return code in _CODES or _SAID.search(message) is not None


def limit(message: str, error: JsonObject) -> int | None:
    """Returns the size of the context window in tokens that a refusal states."""
    told = error.get("n_ctx")
    if isinstance(told, int) and told > 0:
        return told
    found = _LIMIT.search(message)
    if found is None:
        return None
    digits = next(group for group in found.groups() if group)
    return int(digits.replace(",", "")) or None
