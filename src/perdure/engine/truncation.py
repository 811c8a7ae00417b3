"""The messages of a thread that a prompt keeps (spec 03 §7, §12), and the room for the outputs of
tools beside them. No I/O.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

from perdure.engine.budget import Budget
from perdure.providers import tokens
from perdure.wire.chat import ChatMessage
from perdure.wire.tools import FunctionTool

# So many of a thread's first messages are favoured: how a conversation began.
EARLIEST = 4


class Costs(Protocol):
    """The tokens of each message of a thread, by its place."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> int: ...


def room_for_outputs(
    budget: Budget,
    thread: Sequence[ChatMessage],
    *,
    around: Sequence[ChatMessage],
    tools: Sequence[FunctionTool] | None,
) -> int:
    """The most tokens that the outputs of tools may have that can be cut, beside the thread and
    what must be there (`around`): as many as the thread leaves, and half of the room at least,
    where the thread can be cut.
    """
    costs = _Counted(thread)
    spare = budget.prompt_limit - tokens.count_messages(around, tools)
    beside = spare - sum(costs[place] for place in range(len(costs)))
    if budget.last_messages is not None:
        return beside
    untouchable = _untouchable(thread)
    needed = 0 if untouchable is None else costs[untouchable]
    return max(beside, (spare - needed) // 2)


def fit(
    thread: Sequence[ChatMessage],
    *,
    around: Sequence[ChatMessage],
    tools: Sequence[FunctionTool] | None,
    room: int,
) -> list[int]:
    """The places of the thread's messages that fit beside what must be there, in order.

    The newest message of the user is kept even when it does not fit.
    """
    if tokens.are_within([*around, *thread], tools, room):
        return list(range(len(thread)))
    costs = _Counted(thread)
    return keep(costs, _untouchable(thread), room - tokens.count_messages(around, tools))


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
    """The places, the most valuable first: from the newest back, and the earliest in between, as
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
