"""Rewriting of a question into a search query, by a model: `rewrite_query` (spec 06 §1.7).

It can only help: if anything goes wrong, the question itself is searched for.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import structlog

from perdure.errors import ProviderError
from perdure.providers.provider import Provider
from perdure.providers.thinking import Thinking, answer_start
from perdure.wire.chat import ChatMessage, ChatRequest

_log = structlog.get_logger(__name__)

_ASKED = (
    "Rewrite what the user says as a short search query: the words that a document with the "
    "answer would have. Do not answer it. Reply with the query alone, on one line."
)
# Of several queries, so many are rewritten; each is a call of the model.
_MOST_QUERIES = 8
# Some models think before they answer.
_MOST_TOKENS = 256
_MOST_CHARACTERS = 400
_SECONDS = 5.0


async def rewrite_queries(
    provider: Provider, model: str, queries: Sequence[str], *, seconds: float = _SECONDS
) -> list[str]:
    """Returns the queries to search for. `seconds`: the time that the model may take."""
    asked = [_rewrite(provider, model, query, seconds) for query in queries[:_MOST_QUERIES]]
    return [*await asyncio.gather(*asked), *queries[_MOST_QUERIES:]]


async def _rewrite(provider: Provider, model: str, query: str, seconds: float) -> str:
    try:
        async with asyncio.timeout(seconds):
            answer = " ".join((await _answer(provider, model, query)).split())
    except (ProviderError, TimeoutError) as error:
        why = str(error) or f"the model took more than {seconds:g} seconds"
    else:
        if 0 < len(answer) <= _MOST_CHARACTERS:
            return answer
        why = "the answer is too long" if answer else "the answer is empty"
    _log.warning("query_not_rewritten", model=model, reason=why)
    return query


async def _answer(provider: Provider, model: str, query: str) -> str:
    request = ChatRequest(
        model=model,
        messages=[
            ChatMessage(role="system", content=_ASKED),
            ChatMessage(role="user", content=query),
        ],
        max_tokens=_MOST_TOKENS,
    )
    text, reason, thinking = "", None, Thinking()
    async with aclosing(provider.chat(request)) as chunks:
        async for chunk in chunks:
            for choice in chunk.choices:
                text += thinking.feed(choice.delta.content or "")
                reason = choice.finish_reason or reason
            if len(text) > 2 * _MOST_CHARACTERS:
                break
    text += thinking.finish(is_whole=reason != "length")
    return text[answer_start(text) :] if thinking.may_end_later else text
