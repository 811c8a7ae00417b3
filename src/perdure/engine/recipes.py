"""The recipes of requests: what a request was made of, and the hashes of its parts. No I/O."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

import perdure
from perdure.engine.budget import Budget
from perdure.providers.call_log import CallLog
from perdure.wire.base import encode
from perdure.wire.chat import ChatMessage, ChatRequest
from perdure.wire.traces import Recipe

# Of a hash that finds a difference between two versions of one part, not any that might be made up.
_HASH_BYTES = 9


def part_hash(part: object) -> str:
    """Returns the short hash of a part of a request."""
    digest = hashlib.blake2b(encode(part), digest_size=_HASH_BYTES).digest()
    return urlsafe_b64encode(digest).decode()


def settings_hash(request: ChatRequest) -> str:
    """Returns the hash of all of a request but its messages and tools."""
    return part_hash(replace(request, messages=[], tools=None))


def recipe(
    request: ChatRequest,
    budget: Budget,
    *,
    thread: Sequence[tuple[str, ChatMessage]],
    step_count: int,
    output_rooms: Mapping[str, int],
    tool_sources: Mapping[str, Sequence[str]],
    image_ids: Sequence[str],
    sends_thinking_back: bool,
) -> Recipe:
    """Returns the recipe of a request, before the bytes of its images and its adjustments.
    `thread` are the messages of the thread in it, with their ids.
    """
    limits_prompt = budget.prompt is not None and budget.prompt == budget.prompt_limit
    return Recipe(
        version=perdure.__version__,
        message_ids=[message_id for message_id, _ in thread],
        roles="".join(message.role[0] for _, message in thread),
        step_count=step_count,
        context_window=budget.window,
        prompt_limit=budget.room,
        limited_by="max_prompt_tokens" if limits_prompt else "context_window",
        output_rooms=dict(output_rooms),
        max_tokens=request.max_tokens,
        tool_sources={name: list(ids) for name, ids in tool_sources.items()},
        image_ids=list(image_ids),
        sends_thinking_back=sends_thinking_back,
        parts=[part_hash(message) for message in request.messages],
        tools=[part_hash(tool) for tool in request.tools or ()],
        settings=settings_hash(request),
    )


def sent(recipe: Recipe, log: CallLog, *, is_last: bool) -> Recipe:
    """Returns the recipe with what is known since the request was sent."""
    return replace(
        recipe,
        is_last=is_last,
        adjustments=list(log.adjustments),
        body_sha256=log.body_sha256,
        body_bytes=log.body_bytes,
    )
