"""The file_search tool: what the model sees of it, and what it is answered (spec 06 §1).

The model is offered a function; Perdure runs it. Each passage that is found goes to the model
behind its marker, and the markers in the model's answer become citations (`citations.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from perdure.providers import tokens
from perdure.tools.citations import MarkerKey, Source, marker
from perdure.wire.run_steps import (
    FileSearch,
    FileSearchResult,
    FileSearchToolCall,
    RunStep,
    StepSearchRanking,
    ToolCalls,
)
from perdure.wire.runs import Run
from perdure.wire.tools import FileSearchSettings, FileSearchTool, FunctionDefinition, FunctionTool

# The first output of a run had this number on the live service; any stable one will do.
_FIRST_OUTPUT = 4
# What a marker looks like: of no output, so that a model which copies it cites nothing.
_EXAMPLE = marker(MarkerKey(0, 0), "notes.txt")
_MOST_QUERIES = 8
_NOTHING = "No passages were found."
_LEFT_OUT = "The passages that were found are left out here, for lack of room."

# Results and their tokens: for a small context window, and for all others (spec 06 §1.1).
_SMALL_WINDOW = 16_385


class SearchBounds(NamedTuple):
    """How much one search may bring into the model's context."""

    results: int
    tokens: int


def bounds(settings: FileSearchSettings, window: int) -> SearchBounds:
    """The tool's own `max_num_results`, or the default for a context window in tokens."""
    small = window <= _SMALL_WINDOW
    results = 5 if small else 20
    if settings.max_num_results is not UNSET:
        results = settings.max_num_results
    return SearchBounds(results, min(4_000 if small else 16_000, window // 3))


def settings(run: Run) -> FileSearchSettings | None:
    """The settings of the run's file_search tool; None if it has none."""
    return next((tool.file_search for tool in run.tools if isinstance(tool, FileSearchTool)), None)


def name(run: Run) -> str:
    """What the model calls the tool: a name that none of the run's functions has."""
    taken = {tool.function.name for tool in run.tools if isinstance(tool, FunctionTool)}
    chosen = "file_search"
    while chosen in taken:
        chosen += "_"
    return chosen


def definition(run: Run) -> FunctionTool:
    """The function that the model is offered."""
    return FunctionTool(
        function=FunctionDefinition(
            name=name(run),
            description=(
                "Searches the files that belong to this conversation and returns passages of "
                f"them, each behind a marker such as {_EXAMPLE}. Use it whenever the answer "
                "may stand in the files. Split a complex question into several queries. In your "
                "answer, copy the marker of a passage, exactly as it is, right behind each "
                "statement that you took from it."
            ),
            parameters={
                "type": "object",
                "properties": {
                    "queries": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "What to look for, in the words the files may use.",
                    }
                },
                "required": ["queries"],
                "additionalProperties": False,
            },
        )
    )


class _Arguments(msgspec.Struct):
    queries: list[str] | str


# What a call without arguments has.
_NO_ARGUMENTS = ("", "{}")


def queries(arguments: str) -> list[str]:
    """What the model wants to look for; its arguments as they are if they are no JSON of ours."""
    if arguments.strip() in _NO_ARGUMENTS:
        return []
    try:
        asked = msgspec.json.decode(arguments, type=_Arguments).queries
    except (msgspec.DecodeError, UnicodeDecodeError):
        asked = arguments
    found = [asked] if isinstance(asked, str) else asked
    return [query for query in found if query.strip()][:_MOST_QUERIES]


def ranking(run: Run) -> StepSearchRanking:
    """How searches rank, as their calls say it: by name, where the tool has `auto`."""
    of_tool = settings(run)
    if of_tool is None:
        return StepSearchRanking()
    return StepSearchRanking(score_threshold=of_tool.ranking_options.score_threshold)


def call(
    call_id: str,
    asked: Sequence[str],
    ranking: StepSearchRanking,
    found: Iterable[FileSearchResult],
    *,
    most_tokens: int,
) -> FileSearchToolCall:
    """The call as the step keeps it: as many of the results as there is room for."""
    return FileSearchToolCall(
        id=call_id,
        file_search=FileSearch(
            ranking_options=ranking,
            results=list(_fitting(found, most_tokens)),
            queries=list(asked),
        ),
    )


class NumberedSearch(NamedTuple):
    """A search of a run, the number of its output, and in which round of searches it was made."""

    output: int
    call: FileSearchToolCall
    round: int


def searches(steps: Iterable[RunStep]) -> list[NumberedSearch]:
    """The run's searches so far, each with the number that its markers have."""
    rounds = [
        [call for call in step.step_details.tool_calls if isinstance(call, FileSearchToolCall)]
        for step in steps
        if isinstance(step.step_details, ToolCalls)
    ]
    found = [(call, place) for place, calls in enumerate(filter(None, rounds)) for call in calls]
    return [NumberedSearch(output, *each) for output, each in enumerate(found, _FIRST_OUTPUT)]


def output(search: NumberedSearch, most: int | None = None) -> str:
    """What the model is answered: each passage behind its marker, or so many of the best."""
    passages = _passages(search)
    if passages and most == 0:
        return _LEFT_OUT
    return "\n\n".join(passages[:most]) or _NOTHING


def fitting(searches: Sequence[NumberedSearch], room: int) -> dict[int, int]:
    """How many of its best passages each search may show, by the number of its output, so that
    all of them are within so many tokens.

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


def sources(steps: Iterable[RunStep]) -> dict[MarkerKey, Source]:
    """All passages that the model may cite in this run."""
    return {key: source for search in searches(steps) for key, source in _sources(search)}


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
