"""Usage in tokens as a model server reports it, completed by our own counts."""

from msgspec.structs import replace

from perdure.providers import tokens
from perdure.wire.chat import CachedTokens, ChatRequest, ChatUsage, ReasoningTokens

# No answer has more: a count beyond it is none.
_MOST = 10**12


def read(told: object) -> ChatUsage | None:
    """Returns the counts that can be read; the others are 0. None if there is no usage."""
    if not isinstance(told, dict):
        return None
    prompt, completion, total = (
        _count(told, name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    )
    if prompt and not completion:
        completion = max(0, total - prompt)
    elif completion and not prompt:
        prompt = max(0, total - completion)
    cached = _count(told.get("prompt_tokens_details"), "cached_tokens")
    reasoning = _count(told.get("completion_tokens_details"), "reasoning_tokens")
    return ChatUsage(
        prompt,
        completion,
        total if total >= prompt + completion else 0,
        CachedTokens(cached) if cached else None,
        ReasoningTokens(reasoning) if reasoning else None,
    )


def is_whole(usage: ChatUsage, *, written: bool) -> bool:
    """Returns true if nothing has to be counted: no prompt is without a token, and no text."""
    prompt, completion, total = usage.prompt_tokens, usage.completion_tokens, usage.total_tokens
    return prompt > 0 and completion >= written and (total == 0 or total >= prompt + completion)


def completed(usage: ChatUsage | None, request: ChatRequest, written: str) -> ChatUsage:
    """Returns the usage with our own counts where the server has none. Slow for a long prompt."""
    told = usage or ChatUsage()
    prompt = told.prompt_tokens or tokens.count_messages(request.messages, request.tools)
    completion = told.completion_tokens or tokens.count(written)
    total = max(told.total_tokens, prompt + completion)
    return replace(told, prompt_tokens=prompt, completion_tokens=completion, total_tokens=total)


def _count(told: object, name: str) -> int:
    """Returns a count, whatever its type: 3, 3.0, "3"; else 0."""
    value = told.get(name) if isinstance(told, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0
    try:
        count = int(float(value))
    except (ValueError, OverflowError):
        return 0
    return count if 0 < count <= _MOST else 0
