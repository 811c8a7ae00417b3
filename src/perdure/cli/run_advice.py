"""Advice for a run that did not go as it should have: what its owner can change."""

from collections.abc import Iterator

from perdure.lifecycle import RunStatus
from perdure.wire.runs import Run
from perdure.wire.traces import Trace, TracedCall, TracedClaim, TracedRelease

# Seconds in the queue that are worth a word.
_LONG_IN_QUEUE = 5.0
_CODES = {
    "rate_limited": "the model server limits the rate of requests: send less at once, or ask for "
    "more there",
    "unreachable": "the model server could not be reached for a while: see whether it runs, with "
    "`perdure doctor`",
    "timeout": "the model server did not answer in time: model_idle_seconds says how long it may "
    "be silent",
    "loading": "the model server was loading its model: keep it loaded there",
}


def advice(run: Run, trace: Trace) -> Iterator[str]:
    """Yields sentences, the most important first; none where nothing is to be done."""
    yield from _of_status(run)
    yield from _of_trace(trace)


def _of_status(run: Run) -> Iterator[str]:
    match run.status:
        case RunStatus.QUEUED:
            yield "it waits for a worker: `perdure doctor` says whether one is there"
        case RunStatus.REQUIRES_ACTION:
            yield "submit the outputs of its calls before it expires"
        case RunStatus.EXPIRED:
            yield "run_lifetime_seconds says how long a run may take, outputs included"
        case RunStatus.FAILED:
            yield "`perdure doctor` tries the model servers; their own logs may say more"
        case RunStatus.INCOMPLETE if run.incomplete_details is not None:
            name = run.incomplete_details.reason
            limited = getattr(run, name)
            if limited is None:
                yield "the model server cut the answer off: its own limit of an answer was reached"
            else:
                yield f"{name} is {limited} for the whole run, all of its rounds together: raise it"


def _of_trace(trace: Trace) -> Iterator[str]:
    calls = [entry for entry in trace.entries if isinstance(entry, TracedCall)]
    claims = [entry for entry in trace.entries if isinstance(entry, TracedClaim)]
    if any(
        isinstance(each, TracedRelease) and each.reason == "lease_ended" for each in trace.entries
    ):
        yield (
            "a server that worked on it was gone or hung: its log says why, and run_taken_over in "
            "the log of the one that noted it"
        )
    if any(claim.claimed_at - claim.queued_at > _LONG_IN_QUEUE for claim in claims):
        yield "it was long in the queue: raise max_concurrent_runs, or start another server"
    recipes = [call.recipe for call in calls if call.recipe is not None]
    reasons = {each.reason for recipe in recipes for each in recipe.left_out or ()}
    if "context_window" in reasons:
        yield (
            "the thread is longer than the model's window: context_windows says how large that is, "
            "if it is larger than was known"
        )
    if "max_prompt_tokens" in reasons:
        yield "max_prompt_tokens of the run left messages out: raise it"
    if any(recipe.is_last for recipe in recipes):
        yield "max_tool_rounds says how many rounds of tools there may be in a row"
    codes = dict.fromkeys(each.code for call in calls for each in call.attempts)
    yield from (_CODES[code] for code in codes if code in _CODES)
