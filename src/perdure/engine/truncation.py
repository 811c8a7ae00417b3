"""What fits: how long a prompt may be, which messages of a thread it keeps (spec 03 §7, §12), and
how much of it may be passages that were found.

No I/O. All counts are our own; those of the model differ by some percent, which is one reason why
room is left in the window.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from perdure.providers import tokens
from perdure.wire.chat import ChatMessage
from perdure.wire.runs import Run
from perdure.wire.tools import FunctionTool
from perdure.wire.usage import Usage

# So many of a thread's first messages are favoured: how a conversation began.
EARLIEST = 4
# What is kept free for the answer of a run without a budget for it.
_ANSWER_TOKENS = 8192
# An answer never gets less of the window than this part, nor a prompt less than the rest.
_ANSWER_PART = 4
# For the difference between our count and the model's, when an answer gets all that is left.
_MARGIN_PART = 32


class Costs(Protocol):
    """The tokens of each message of a thread, by its place."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> int: ...


class TokensLeft(NamedTuple):
    """What is left of a run's budgets, in tokens; None where it has none."""

    prompt: int | None
    completion: int | None


def left(run: Run, used: Usage) -> TokensLeft:
    """The budgets are for the whole run, over all of its model calls."""
    return TokensLeft(
        _difference(run.max_prompt_tokens, used.prompt_tokens),
        _difference(run.max_completion_tokens, used.completion_tokens),
    )


def last_messages(run: Run) -> int | None:
    """How many messages a run asks for; None: as many as fit."""
    strategy = run.truncation_strategy
    return strategy.last_messages if strategy.type == "last_messages" else None


def room(run: Run, left: TokensLeft, window: int) -> int | None:
    """The most tokens that the prompt may have; None: it is not to be cut.

    Who asks for a number of messages gets that number, whatever the window holds.
    """
    return left.prompt if last_messages(run) is not None else limit(left, window)


def limit(left: TokensLeft, window: int) -> int:
    """The most tokens that a prompt may have, whatever messages were asked for."""
    beside = window - _reserve(left, window)
    return beside if left.prompt is None else min(left.prompt, beside)


def for_passages(
    run: Run,
    thread: Sequence[ChatMessage],
    *,
    around: Sequence[ChatMessage],
    tools: Sequence[FunctionTool] | None,
    most: int,
) -> int:
    """The most tokens that the passages may have that the run has found, beside its thread and what
    must be there: as many as the thread leaves, and half of the room at least, where the thread can
    be cut.
    """
    costs = _Counted(thread)
    spare = most - tokens.count_messages(around, tools)
    beside = spare - sum(costs[place] for place in range(len(costs)))
    if last_messages(run) is not None:
        return beside
    untouchable = _untouchable(thread)
    needed = 0 if untouchable is None else costs[untouchable]
    return max(beside, (spare - needed) // 2)


def cap(
    left: TokensLeft,
    window: int,
    prompt: Sequence[ChatMessage],
    tools: Sequence[FunctionTool] | None,
) -> int | None:
    """The most tokens that the answer may have.

    Servers refuse a cap that would not fit into the window beside the prompt.
    """
    reserve = _reserve(left, window)
    if left.completion is None or left.completion <= reserve:
        return left.completion
    beside = window - tokens.count_messages(prompt, tools) - window // _MARGIN_PART
    return min(left.completion, max(reserve, beside))


def fit(
    thread: Sequence[ChatMessage],
    *,
    around: Sequence[ChatMessage],
    tools: Sequence[FunctionTool] | None,
    room: int,
) -> list[ChatMessage]:
    """The messages of the thread that fit beside what must be there, in their order.

    The newest message of the user is kept even when it does not fit.
    """
    if tokens.are_within([*around, *thread], tools, room):
        return list(thread)
    costs = _Counted(thread)
    places = keep(costs, _untouchable(thread), room - tokens.count_messages(around, tools))
    return [thread[place] for place in places]


def keep(costs: Costs, untouchable: int | None, room: int) -> list[int]:
    """The places of the messages to keep, in order; `costs` are their tokens.

    More room never keeps less: messages are taken in an order that depends on their costs alone,
    for as long as there is room.
    """
    kept = set() if untouchable is None else {untouchable}
    spent = sum(costs[place] for place in kept)
    for place in _favoured(costs):
        if place in kept:
            continue
        spent += costs[place]
        if spent > room:
            break
        kept.add(place)
    return sorted(kept)


class _Counted:
    """The messages of a thread, each counted when its cost is asked for: there may be many more
    than fit.
    """

    def __init__(self, thread: Sequence[ChatMessage]) -> None:
        self._thread = thread
        self._known: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._thread)

    def __getitem__(self, place: int) -> int:
        if place not in self._known:
            self._known[place] = tokens.count_message(self._thread[place])
        return self._known[place]


def _favoured(costs: Costs) -> Iterator[int]:
    """All places, the most valuable first: from the newest back, and the earliest in between, as
    soon as they are no more than a quarter of the whole.
    """
    earliest = deque(range(min(EARLIEST, len(costs))))
    latest_cost = earliest_cost = 0
    for place in range(len(costs) - 1, -1, -1):
        if earliest and place < earliest[0]:
            continue  # it came in among the earliest
        yield place
        latest_cost += costs[place]
        while earliest and earliest[0] < place:
            if (earliest_cost + costs[earliest[0]]) * 3 > latest_cost:
                break
            earliest_cost += costs[earliest[0]]
            yield earliest.popleft()


def _untouchable(thread: Sequence[ChatMessage]) -> int | None:
    """The newest message of the user, which is what the run is about."""
    places = [place for place, message in enumerate(thread) if message.role == "user"]
    return places[-1] if places else len(thread) - 1 if thread else None


def _reserve(left: TokensLeft, window: int) -> int:
    wanted = _ANSWER_TOKENS if left.completion is None else left.completion
    return min(wanted, window // _ANSWER_PART)


def _difference(budget: int | None, used: int) -> int | None:
    return None if budget is None else max(0, budget - used)
