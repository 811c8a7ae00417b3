"""One model call and what follows from it: streams the answer, then decides.

`take` does the I/O; `decide` does none and returns a value.
"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog
from msgspec.structs import replace

from perdure import ids
from perdure.engine import strict
from perdure.engine.outcomes import Ask, Done, Failed, Outcome, TooLong, Truncated
from perdure.engine.recorder import Recorder
from perdure.errors import PromptTooLong, ProviderError
from perdure.providers import tokens
from perdure.providers.provider import Provider
from perdure.wire.chat import ChatRequest, ChatUsage, ChoiceDelta, ToolCallDelta
from perdure.wire.runs import IncompleteRun, LastError
from perdure.wire.usage import CompletionTokensDetails, PromptTokenDetails, Usage

_log = structlog.get_logger(__name__)

_DROPPED = -1


@dataclass
class Answer:
    """What is known of the model's answer so far."""

    request: ChatRequest
    finish_reason: str | None = None
    usage: Usage | None = None
    # the model's index of a call → ours; the ids seen, to tell calls of one index apart
    calls: dict[int, int] = field(default_factory=dict)
    seen: dict[int, str] = field(default_factory=dict)


async def take(
    provider: Provider, answer: Answer, recorder: Recorder, *, used_ids: set[str]
) -> Outcome | TooLong:
    """Calls the model once and tells its answer as it comes."""
    try:
        async with aclosing(provider.chat(answer.request)) as chunks:
            async for chunk in chunks:
                if chunk.usage is not None:
                    answer.usage = usage_of(chunk.usage)
                for choice in chunk.choices[:1]:
                    delta = choice.delta
                    if delta.content and not answer.calls:
                        if recorder.writing != "text":
                            await recorder.open_part("text")
                        recorder.text(delta.content)
                    if delta.tool_calls or delta.refusal or (delta.content and answer.calls):
                        await _tell_rarer(delta, answer, recorder, used_ids)
                    answer.finish_reason = choice.finish_reason or answer.finish_reason
    except ProviderError as error:
        failure = LastError(code=error.code, message=error.message)  # type: ignore[arg-type]
        failed = Failed(failure, await used(answer, recorder))
        if isinstance(error, PromptTooLong) and not recorder.has_begun:
            return TooLong(answer.request, failed, error.limit)
        return failed
    recorder.close_part()
    return decide(answer, recorder, answer.usage or await used(answer, recorder) or Usage())


def decide(answer: Answer, recorder: Recorder, usage: Usage) -> Outcome:
    """What the answer means for the run."""
    if answer.finish_reason == "content_filter":
        message = "The model's content filter stopped the answer."
        return Failed(LastError(code="server_error", message=message), usage, "content_filter")
    if answer.finish_reason == "length":
        return Truncated(IncompleteRun(reason="max_completion_tokens"), usage)
    if answer.calls:
        return Ask(usage)
    broken = strict.breach(answer.request.response_format, recorder.content)
    if broken is not None:
        return Failed(LastError(code="server_error", message=broken), usage)
    return Done(usage)


async def used(answer: Answer, recorder: Recorder) -> Usage | None:
    """What an answer that broke off has used; None if it never began.

    What the model server told of it holds, but it may have written more since.
    """
    told, request = answer.usage, answer.request
    if told is None and not recorder.has_begun:
        return None
    # In a thread: a prompt can be long.
    completion = await asyncio.to_thread(tokens.count, recorder.written)
    if told is None:
        prompt = await asyncio.to_thread(tokens.count_messages, request.messages, request.tools)
        told = Usage(prompt_tokens=prompt)
    completion = max(completion, told.completion_tokens)
    return replace(told, completion_tokens=completion, total_tokens=told.prompt_tokens + completion)


def usage_of(usage: ChatUsage) -> Usage:
    """The wire's usage from the model server's."""
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    return Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens or usage.prompt_tokens + usage.completion_tokens,
        prompt_token_details=PromptTokenDetails(
            cached_tokens=(prompt.cached_tokens or 0) if prompt else 0
        ),
        completion_tokens_details=CompletionTokensDetails(
            reasoning_tokens=(completion.reasoning_tokens or 0) if completion else 0
        ),
    )


async def _tell_rarer(
    delta: ChoiceDelta, answer: Answer, recorder: Recorder, used_ids: set[str]
) -> None:
    """Refusals and tool calls: not once a token, and so not on the hot path."""
    if delta.content and answer.calls:
        # One step is open at a time (spec 04 §8, N1), so there is no place for it.
        _log.warning("model_text_after_tool_calls_dropped", run_id=recorder.run.id)
    if delta.refusal:
        if recorder.writing != "refusal":
            await recorder.open_part("refusal")
        recorder.text(delta.refusal)
    for fragment in delta.tool_calls or ():
        await _tell_call(fragment, answer, recorder, used_ids)


async def _tell_call(
    fragment: ToolCallDelta, answer: Answer, recorder: Recorder, used_ids: set[str]
) -> None:
    index = fragment.index
    function = fragment.function
    is_new = index not in answer.calls or (fragment.id and fragment.id != answer.seen[index])
    if is_new:
        if answer.calls and not recorder.run.parallel_tool_calls:
            # At most one call a round, even if the model sends more (spec 03 §13).
            answer.calls[index] = _DROPPED
            answer.seen[index] = fragment.id or ""
            return
        # The model's own id is kept where it can be: some chat templates insist on its form.
        call_id = fragment.id if fragment.id and fragment.id not in used_ids else ids.new(ids.CALL)
        used_ids.add(call_id)
        answer.calls[index] = recorder.call_count
        answer.seen[index] = fragment.id or ""
        await recorder.open_call(call_id, (function.name if function else None) or "")
    if function and function.arguments and answer.calls[index] != _DROPPED:
        recorder.arguments(answer.calls[index], function.arguments)
