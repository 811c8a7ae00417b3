"""The results of code: the output for the model, images to show, files to link.

They are read from the steps, so that a run that is resumed knows the same.
"""

from collections.abc import Iterable, Iterator, Mapping

from perdure.tools.code_interpreter.definition import shortened
from perdure.tools.tool import Replay, calls_of
from perdure.wire.base import encode
from perdure.wire.run_steps import (
    CodeImage,
    CodeInterpreterToolCall,
    CodeLogs,
    MessageCreation,
    RunStep,
)

FOLDER = "/mnt/data/"

# Characters of one output that go to the model; the step keeps more.
_MOST = 16_000


def output(call: CodeInterpreterToolCall) -> str:
    """The output for the model."""
    told = call.code_interpreter
    logs = "".join(each.logs for each in told.outputs if isinstance(each, CodeLogs))
    images = sum(isinstance(each, CodeImage) for each in told.outputs)
    lines = [shortened(logs, _MOST)] if logs else []
    if images:
        lines.append(f"[{images} image{'s were' if images > 1 else ' was'} shown to the user.]")
    if told.files:
        lines.append("[Files written: " + ", ".join(each.path for each in told.files) + "]")
    return "\n".join(lines) or "[The code ran and wrote nothing.]"


def images(steps: Iterable[RunStep]) -> tuple[str, ...]:
    """The images that code has shown since the run's last message."""
    shown: list[str] = []
    for step in steps:
        if isinstance(step.step_details, MessageCreation):
            shown.clear()
        else:
            shown += [
                each.image.file_id
                for call in _calls([step])
                for each in call.code_interpreter.outputs
                if isinstance(each, CodeImage)
            ]
    return tuple(shown)


def files(steps: Iterable[RunStep]) -> dict[str, str]:
    """The files that the code wrote, by their names in /mnt/data: the newest of each."""
    return {
        each.path.removeprefix(FOLDER): each.file_id
        for call in _calls(steps)
        for each in call.code_interpreter.files
    }


class CodeReplays:
    """The run's earlier calls of code; see `Replays`. Their outputs are short as they are."""

    can_shrink = False

    def __init__(self, steps: Iterable[RunStep]) -> None:
        self._replays = {
            call.id: Replay(encode({"code": call.code_interpreter.input}).decode(), output(call))
            for call in _calls(steps)
        }

    def within(self, room: int | None) -> Mapping[str, Replay]:  # noqa: ARG002 (of the seam)
        return self._replays


def has_run(steps: Iterable[RunStep]) -> bool:
    """True if code has run in these steps."""
    return any(True for _ in _calls(steps))


def _calls(steps: Iterable[RunStep]) -> Iterator[CodeInterpreterToolCall]:
    for call in calls_of(steps):
        if isinstance(call, CodeInterpreterToolCall):
            yield call
