"""Counts tokens, offline: for servers that send no usage, and for prompt budgets.

The counts are those of the o200k vocabulary; another model's own count differs by some percent.
"""

from collections.abc import Sequence
from functools import cache
from typing import Protocol

from perdure.wire.base import encode
from perdure.wire.chat import ChatMessage, ChatText
from perdure.wire.tools import FunctionTool

# What the chat format adds around a message, and before the answer.
_PER_MESSAGE = 3
_PER_ANSWER = 3
# The documented cost of a low-detail picture (spec 03 §16).
_PER_IMAGE = 85


class _Encoding(Protocol):
    def encode_ordinary(self, text: str) -> list[int]: ...


@cache
def _encoding() -> _Encoding:
    # The import alone reads vocabularies for more than half a second: see `warm`.
    import bpe_openai

    encoding: _Encoding = bpe_openai.get_encoding("o200k_base")
    return encoding


def warm() -> None:
    """Loads the vocabulary, which takes most of a second and would else be the first count's."""
    _encoding()


def count(text: str) -> int:
    """The number of tokens of a text."""
    # "ordinary": special tokens in a text are text, as hostile input may well hold them
    return len(_encoding().encode_ordinary(text))


def count_messages(
    messages: Sequence[ChatMessage], tools: Sequence[FunctionTool] | None = None
) -> int:
    """The number of prompt tokens of a request."""
    tokens = _PER_ANSWER + sum(_PER_MESSAGE + _count_message(message) for message in messages)
    return tokens + (count(encode(tools).decode()) if tools else 0)


def _count_message(message: ChatMessage) -> int:
    if isinstance(message.content, list):
        tokens = sum(
            count(part.text) if isinstance(part, ChatText) else _PER_IMAGE
            for part in message.content
        )
    else:
        tokens = count(message.content or "")
    for call in message.tool_calls or ():
        tokens += count(call.function.name) + count(call.function.arguments)
    return tokens
