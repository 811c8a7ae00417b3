"""Counting of tokens, offline: for servers that send no usage, for budgets and context windows."""

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from perdure.vocabulary import count
from perdure.wire.base import encode
from perdure.wire.chat import ChatMessage, ChatText
from perdure.wire.tools import FunctionTool

__all__ = ["are_within", "count", "count_message", "count_messages"]

# What the chat format adds around a message, and before the answer.
_PER_MESSAGE = 3
_PER_ANSWER = 3
# The documented cost of a low-detail picture (spec 03 §16).
_PER_IMAGE = 85


def count_messages(
    messages: Sequence[ChatMessage], tools: Sequence[FunctionTool] | None = None
) -> int:
    """Returns the number of prompt tokens of a request."""
    return sum(_counts(messages, tools, count))


def count_message(message: ChatMessage) -> int:
    """Returns the number of tokens that one message adds to a prompt."""
    return _PER_MESSAGE + _of_message(message, count)


def are_within(
    messages: Sequence[ChatMessage], tools: Sequence[FunctionTool] | None, limit: int
) -> bool:
    """Returns true if a request has at most `limit` prompt tokens.

    Most requests are far from their limit: for them the length of the text in bytes is enough,
    since every token is at least one byte. For the others no more is counted than the limit and one
    message.
    """
    if sum(_counts(messages, tools, _byte_length)) <= limit:
        return True
    return all(tokens <= limit for tokens in accumulate(_counts(messages, tools, count)))


def _counts(
    messages: Sequence[ChatMessage],
    tools: Sequence[FunctionTool] | None,
    measure: Callable[[str], int],
) -> Iterator[int]:
    yield _PER_ANSWER + (measure(encode(tools).decode()) if tools else 0)
    for message in messages:
        yield _PER_MESSAGE + _of_message(message, measure)


def _of_message(message: ChatMessage, measure: Callable[[str], int]) -> int:
    if isinstance(message.content, list):
        tokens = sum(
            measure(part.text) if isinstance(part, ChatText) else _PER_IMAGE
            for part in message.content
        )
    else:
        tokens = measure(message.content or "")
    for call in message.tool_calls or ():
        tokens += measure(call.function.name) + measure(call.function.arguments)
    if message.extras is not None:
        told = [message.extras.message, *message.extras.calls.values()]
        tokens += sum(measure(encode(each).decode()) for each in told if each)
    return tokens


def _byte_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
