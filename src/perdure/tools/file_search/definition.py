"""The function that the model is offered for file_search, and its arguments (spec 06 §1).

Each passage that is found goes to the model behind its marker, and the markers in the model's
answer become citations (`citations.py`).
"""

from typing import NamedTuple

import msgspec
from msgspec import UNSET

from perdure.tools.file_search.markers import MarkerKey, marker
from perdure.wire.run_steps import StepSearchRanking
from perdure.wire.runs import Run
from perdure.wire.tools import FileSearchSettings, FileSearchTool, FunctionDefinition, FunctionTool

# What a marker looks like: of no output, so that a model which copies it cites nothing.
_EXAMPLE = marker(MarkerKey(0, 0), "notes.txt")
_MOST_QUERIES = 8

# Results and their tokens: for a small context window, and for all others (spec 06 §1.1).
_SMALL_WINDOW = 16_385


class SearchBounds(NamedTuple):
    """The most results of one search, and the most tokens that they may have."""

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


def definition(name: str) -> FunctionTool:
    """The function that the model is offered."""
    return FunctionTool(
        function=FunctionDefinition(
            name=name,
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
    """The queries in a call's arguments; the arguments themselves if they are no JSON of ours."""
    if arguments.strip() in _NO_ARGUMENTS:
        return []
    try:
        asked = msgspec.json.decode(arguments, type=_Arguments).queries
    except (msgspec.DecodeError, UnicodeDecodeError):
        asked = arguments
    found = [asked] if isinstance(asked, str) else asked
    return [query for query in found if query.strip()][:_MOST_QUERIES]


def ranking(run: Run) -> StepSearchRanking:
    """The ranking options that the calls of a run's searches state."""
    of_tool = settings(run)
    if of_tool is None:
        return StepSearchRanking()
    return StepSearchRanking(score_threshold=of_tool.ranking_options.score_threshold)
