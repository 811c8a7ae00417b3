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
from perdure.engine.assembler import Assembler, CallBegun
from perdure.engine.outcomes import Ask, Done, Failed, Outcome, TooLong, Truncated
from perdure.engine.recorder import Recorder
from perdure.engine.thinking_rules import PLAIN, ThinkingStyle
from perdure.errors import PromptTooLong, ProviderError
from perdure.providers import extras, tokens
from perdure.providers.call_log import CallLog
from perdure.providers.provider import Provider
from perdure.wire.chat import ChatRequest, ChatUsage, ChoiceDelta, Extras
from perdure.wire.runs import IncompleteRun, LastError
from perdure.wire.usage import CompletionTokensDetails, PromptTokenDetails, Usage

_log = structlog.get_logger(__name__)


@dataclass
class ModelAnswer:
    """The state of the model's answer so far."""

    request: ChatRequest
    style: ThinkingStyle = PLAIN
    log: CallLog = field(default_factory=CallLog)
    finish_reason: str | None = None
    usage: Usage | None = None
    # white space that an answer began with, as long as nothing else has come
    blank: list[str] = field(default_factory=list)
    # whether a call was told, so that no text can follow any more
    is_calling: bool = False
    # the ids of the calls that were told, by their places
    call_ids: dict[int, str] = field(default_factory=dict)
    # what has to go back with the answer, but for that of its calls
    extras: Extras | None = None
    # whether text is the answer's, and goes to the part that is open
    is_telling: bool = False
    # whether its usage was handed to the recorder
    is_counted: bool = False

    def __post_init__(self) -> None:
        self.calls = Assembler(tool.function.name for tool in self.request.tools or ())
        self.thinking = self.style.thinking()


async def take(
    provider: Provider, answer: ModelAnswer, recorder: Recorder, *, used_ids: set[str]
) -> Outcome | TooLong:
    """Calls the model once and tells its answer as it comes."""
    recorder.thinking, recorder.origin = answer.thinking, answer.style.origin
    try:
        async with aclosing(provider.chat(answer.request, answer.log)) as chunks:
            async for chunk in chunks:
                if chunk.usage is not None:
                    answer.usage = usage_of(chunk.usage)
                    answer.extras = chunk.extras or answer.extras
                for choice in chunk.choices[:1]:
                    delta = choice.delta
                    if delta.content and not answer.is_calling:
                        if answer.is_telling:
                            recorder.text(delta.content)
                        else:
                            answer.log.note_token()
                            await _read_text(delta.content, answer, recorder)
                    if delta.tool_calls or delta.refusal or (delta.content and answer.is_calling):
                        answer.log.note_token()
                        await _tell_rarer(delta, answer, recorder, used_ids)
                    answer.finish_reason = choice.finish_reason or answer.finish_reason
            await _finish(answer, recorder, used_ids)
    except ProviderError as error:
        return await _refused(error, answer, recorder)
    recorder.close_part()
    usage = answer.usage or await used(answer, recorder) or Usage()
    return await decide(answer, recorder, await _with_thinking(usage, recorder.thought))


async def _refused(
    error: ProviderError, answer: ModelAnswer, recorder: Recorder
) -> Failed | TooLong:
    """The outcome of an error; `TooLong` where a shorter request may be tried."""
    failure = LastError(code=error.code, message=error.message)  # type: ignore[arg-type]
    failed = Failed(failure, await used(answer, recorder))
    if isinstance(error, PromptTooLong) and not recorder.has_begun:
        return TooLong(answer.request, failed, error.limit)
    return failed


async def decide(answer: ModelAnswer, recorder: Recorder, usage: Usage) -> Outcome:
    """The outcome of an answer that has ended."""
    if answer.finish_reason == "content_filter":
        message = "The model's content filter stopped the answer."
        return Failed(LastError(code="server_error", message=message), usage, "content_filter")
    if answer.finish_reason == "length":
        return Truncated(IncompleteRun(reason="max_completion_tokens"), usage)
    if answer.is_calling:
        return Ask(usage)
    if answer.calls.has_nameless and not recorder.has_begun:
        message = "The model called a tool without saying which one."
        return Failed(LastError(code="server_error", message=message), usage)
    broken = await strict.breach(answer.request.response_format, recorder.content)
    if broken is not None:
        return Failed(LastError(code="server_error", message=broken), usage)
    return Done(usage)


async def used(answer: ModelAnswer, recorder: Recorder) -> Usage | None:
    """The usage of an answer that broke off; None if it never began.

    What the model server told of it holds, but it may have written more since.
    """
    told, request, thought = answer.usage, answer.request, recorder.thought
    if told is None and not (recorder.has_begun or thought):
        return None
    # In a thread: a prompt can be long.
    completion = await asyncio.to_thread(tokens.count, recorder.written)
    if told is None:
        prompt = await asyncio.to_thread(tokens.count_messages, request.messages, request.tools)
        told = Usage(prompt_tokens=prompt)
    completion = max(completion, told.completion_tokens)
    whole = told.prompt_tokens + completion
    usage = replace(told, completion_tokens=completion, total_tokens=whole)
    return await _with_thinking(usage, thought)


async def _with_thinking(usage: Usage, thought: str) -> Usage:
    """The usage with the thinking in the text counted, where the model server has not done so."""
    if not thought or usage.completion_tokens_details.reasoning_tokens:
        return usage
    count = await asyncio.to_thread(tokens.count, thought)
    details = CompletionTokensDetails(reasoning_tokens=min(count, usage.completion_tokens))
    return replace(usage, completion_tokens_details=details)


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


async def _read_text(content: str, answer: ModelAnswer, recorder: Recorder) -> None:
    """Takes text at the beginning of the answer, which may be thinking."""
    await _tell_text(answer.thinking.feed(content), answer, recorder)
    answer.is_telling = answer.thinking.is_passed and recorder.writing == "text"


async def _tell_text(text: str, answer: ModelAnswer, recorder: Recorder) -> None:
    """Opens a part for text; not for white space, which would be a message of its own if calls
    followed.
    """
    if not text:
        return
    if recorder.writing == "text":
        recorder.text(text)
        return
    answer.blank.append(text)
    if not text.isspace():
        await _open_text(answer, recorder)


async def _open_text(answer: ModelAnswer, recorder: Recorder) -> None:
    await recorder.open_part("text")
    recorder.text("".join(answer.blank))
    answer.blank = []


async def _finish(answer: ModelAnswer, recorder: Recorder, used_ids: set[str]) -> None:
    """Tells what waited for more."""
    answer.calls.finish()
    await _tell_calls(answer, recorder, used_ids)
    if not answer.is_calling:
        is_whole = answer.finish_reason not in ("length", "content_filter")
        await _tell_text(answer.thinking.finish(is_whole=is_whole), answer, recorder)
        if is_whole and answer.thinking.thought and not (answer.blank or recorder.has_begun):
            # Such as a call in gpt-oss's channels that the model server has not read.
            _log.warning("model_answer_is_all_thinking", run_id=recorder.run.id)
    if answer.extras is not None and answer.is_calling:
        recorder.extras = _of_round(answer.extras, answer)
    if answer.calls.has_nameless:
        _log.warning("model_call_without_name_dropped", run_id=recorder.run.id)
    if answer.blank and not recorder.has_begun:
        await _open_text(answer, recorder)


def _of_round(told: Extras, answer: ModelAnswer) -> Extras:
    """The extras of the round, with those of its calls."""
    calls = {
        answer.call_ids[call.place]: call.extra
        for call in answer.calls.calls
        if call.extra and call.place in answer.call_ids
    }
    return extras.bounded(replace(told, calls=calls))


async def _tell_rarer(
    delta: ChoiceDelta, answer: ModelAnswer, recorder: Recorder, used_ids: set[str]
) -> None:
    """Refusals and tool calls: not once a token, and so not on the hot path."""
    said = delta.content or delta.refusal
    if said and answer.is_calling and not said.isspace():
        # One step is open at a time (spec 04 §8, N1), so there is no place for it.
        _log.warning("model_text_after_tool_calls_dropped", run_id=recorder.run.id)
    if delta.refusal and not answer.is_calling:
        if recorder.writing != "refusal":
            answer.is_telling = False
            await recorder.open_part("refusal")
        recorder.text(delta.refusal)
    if delta.tool_calls:
        calls = answer.calls.feed(delta.tool_calls)
        for fragment, call in zip(delta.tool_calls, calls, strict=True):
            if told := extras.of_fragment(fragment):
                call.extra = extras.merged(call.extra, told)
        await _tell_calls(answer, recorder, used_ids)


async def _tell_calls(answer: ModelAnswer, recorder: Recorder, used_ids: set[str]) -> None:
    """Tells what is new of the calls."""
    for told in answer.calls.news():
        if told.place and not recorder.run.parallel_tool_calls:
            # At most one call a round, even if the model sends more (spec 03 §13).
            continue
        if isinstance(told, CallBegun):
            if not answer.is_calling:
                rest = answer.thinking.finish(is_whole=False)
                await _tell_text(rest, answer, recorder)
            answer.is_calling = True
            # The model's own id is kept where it can be: some chat templates insist on its form.
            call_id = told.id if told.id and told.id not in used_ids else ids.new(ids.CALL)
            used_ids.add(call_id)
            answer.call_ids[told.place] = call_id
            await recorder.open_call(call_id, told.name)
        else:
            recorder.arguments(told.place, told.fragment)
