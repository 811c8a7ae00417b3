"""The results of searches: as the step stores them, and as the model is shown them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import UNSET

from perdure.providers import tokens
from perdure.tools.file_search.citations import Source
from perdure.tools.file_search.markers import MarkerKey, marker
from perdure.tools.tool import Replay
from perdure.wire.base import encode
from perdure.wire.run_steps import (
    FileSearch,
    FileSearchResult,
    FileSearchToolCall,
    RunStep,
    StepSearchRanking,
    ToolCalls,
)

# The first output of a run had this number on the live service; any stable one will do.
_FIRST_OUTPUT = 4
_NOTHING = "No passages were found."
_LEFT_OUT = "The passages that were found are left out here, for lack of room."


def call(
    call_id: str,
    asked: Sequence[str],
    ranking: StepSearchRanking,
    found: Iterable[FileSearchResult],
    *,
    most_tokens: int,
) -> FileSearchToolCall:
    """The call as the step stores it, with the best results within so many tokens."""
    return FileSearchToolCall(
        id=call_id,
        file_search=FileSearch(
            ranking_options=ranking,
            results=list(_fitting(found, most_tokens)),
            queries=list(asked),
        ),
    )


class NumberedSearch(NamedTuple):
    """A search of a run, the number of its output, and the number of its round of searches."""

    output: int
    call: FileSearchToolCall
    round: int


def searches(steps: Iterable[RunStep]) -> list[NumberedSearch]:
    """The searches of these steps, each with the number that its markers have."""
    rounds = [
        [call for call in step.step_details.tool_calls if isinstance(call, FileSearchToolCall)]
        for step in steps
        if isinstance(step.step_details, ToolCalls)
    ]
    found = [(call, place) for place, calls in enumerate(filter(None, rounds)) for call in calls]
    return [NumberedSearch(output, *each) for output, each in enumerate(found, _FIRST_OUTPUT)]


def output(search: NumberedSearch, most: int | None = None) -> str:
    """The output for the model: each passage behind its marker, or so many of the best."""
    passages = _passages(search)
    if passages and most == 0:
        return _LEFT_OUT
    return "\n\n".join(passages[:most]) or _NOTHING


def fitting(searches: Sequence[NumberedSearch], room: int) -> dict[int, int]:
    """The number of its best passages that each search may show, by the number of its output, so
    that all of them are within so many tokens.

    The latest searches keep most: a passage counts as much as one that ranks a place lower and was
    found a round later.
    """
    last = max(search.round for search in searches)
    queue = sorted(
        (rank + last - search.round, last - search.round, search.output, passage)
        for search in searches
        for rank, passage in enumerate(_passages(search))
    )
    kept = dict.fromkeys((search.output for search in searches), 0)
    full: set[int] = set()
    for _, _, number, passage in queue:
        cost = tokens.count(f"{passage}\n\n")
        if cost > room:
            # what ranks lower would not be its best
            full.add(number)
        if number not in full:
            room -= cost
            kept[number] += 1
    return kept


class SearchReplays:
    """The run's earlier searches; see `Replays`. The step stores all passages, so the numbers of
    their markers stay when some are left out.
    """

    def __init__(self, steps: Iterable[RunStep]) -> None:
        self._searches = searches(steps)
        self.can_shrink = bool(self._searches)

    @property
    def sources(self) -> dict[MarkerKey, Source]:
        """The passages that the model may cite in this run."""
        return {key: source for search in self._searches for key, source in _sources(search)}

    def within(self, room: int | None) -> Mapping[str, Replay]:
        shown = fitting(self._searches, room) if self._searches and room is not None else {}
        return {
            search.call.id: Replay(
                encode({"queries": search.call.file_search.queries}).decode(),
                output(search, shown.get(search.output)),
            )
            for search in self._searches
        }


def _passages(search: NumberedSearch) -> list[str]:
    return [f"{marker(key, source.label)}\n{source.text}" for key, source in _sources(search)]


def _sources(search: NumberedSearch) -> Iterator[tuple[MarkerKey, Source]]:
    for place, found in enumerate(search.call.file_search.results):
        content = found.content if found.content is not UNSET else []
        text = "\n".join(part.text for part in content)
        yield MarkerKey(search.output, place), Source(found.file_id, found.file_name, text)


def _fitting(found: Iterable[FileSearchResult], most: int) -> Iterator[FileSearchResult]:
    """The best results as long as there is room; the first one always."""
    used = 0
    for place, one in enumerate(found):
        content = one.content if one.content is not UNSET else []
        used += sum(tokens.count(part.text) for part in content)
        if place and used > most:
            return
        yield one
