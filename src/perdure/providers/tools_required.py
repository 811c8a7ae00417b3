"""Texts by which model servers say that a request with tool calls in its messages must offer tools.

These are the words of Anthropic, Bedrock and LiteLLM, and words that are like them.
"""

import re

_TOOLS = r"[`'\"]?(?:tools|tool_?config)\b"
_SAID = re.compile(
    # such as: must define `tools`, without `tools=` param, missing field tools
    r"(?:must (?:define|include|provide|have|contain)|without|missing|expects?|requires?|pass)"
    rf"\s+(?:the |a |an )?(?:field |param(?:eter)? |argument )?{_TOOLS}"
    # such as: the toolConfig field must be defined, tools is required
    rf"|{_TOOLS}[`'\"=]*\s+(?:field |param(?:eter)? |argument |list )?"
    r"(?:must (?:not be empty|be (?:defined|given|passed|provided|included|specified|set))"
    r"|(?:is|are) (?:required|missing|needed)|needed|required)",
    re.IGNORECASE,
)


def says_so(message: str) -> bool:
    """Returns true if a refusal means that tools must be offered."""
    return _SAID.search(message) is not None
