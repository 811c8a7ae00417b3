"""What the code of a run has left: the output for the model, images to show, files to link.

All of it is read from the steps, so that a run that is resumed knows the same.
"""

from collections.abc import Iterable, Iterator

from perdure.tools.code_interpreter import shortened
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
    """What the model is answered."""
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


def has_run(steps: Iterable[RunStep]) -> bool:
    """Whether code has been run before."""
    return any(True for _ in _calls(steps))


def _calls(steps: Iterable[RunStep]) -> Iterator[CodeInterpreterToolCall]:
    for step in steps:
        if not isinstance(step.step_details, MessageCreation):
            for call in step.step_details.tool_calls:
                if isinstance(call, CodeInterpreterToolCall):
                    yield call
