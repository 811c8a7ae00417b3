"""Token usage of a step and of a run (spec 01 §2.11, 03 §10)."""

from collections.abc import Iterable

from perdure.wire.base import Object


class PromptTokenDetails(Object):
    cached_tokens: int = 0


class CompletionTokensDetails(Object):
    reasoning_tokens: int = 0


class Usage(Object):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    # the singular "token" is the wire's own spelling (recorded)
    prompt_token_details: PromptTokenDetails = PromptTokenDetails()
    completion_tokens_details: CompletionTokensDetails = CompletionTokensDetails()


def total(usages: Iterable[Usage]) -> Usage:
    """Returns the sum, member by member."""
    known = list(usages)
    return Usage(
        prompt_tokens=sum(usage.prompt_tokens for usage in known),
        completion_tokens=sum(usage.completion_tokens for usage in known),
        total_tokens=sum(usage.total_tokens for usage in known),
        prompt_token_details=PromptTokenDetails(
            cached_tokens=sum(usage.prompt_token_details.cached_tokens for usage in known)
        ),
        completion_tokens_details=CompletionTokensDetails(
            reasoning_tokens=sum(
                usage.completion_tokens_details.reasoning_tokens for usage in known
            )
        ),
    )
