"""The function that the model is offered for code_interpreter, and what it reads of tracebacks
(spec 06).
"""

import re
from collections.abc import Sequence

from perdure.wire.runs import Run
from perdure.wire.tools import CodeInterpreterTool, FunctionDefinition, FunctionTool

_ABOUT = (
    "Runs Python in a sandbox without network and returns what it prints, and the value of the "
    "last expression. Variables and files last from call to call. Files are in /mnt/data. "
)
_RESULTS = (
    "plt.show() shows a figure to the user. To give the user a file, write it to /mnt/data and "
    "link it in your answer: [name](sandbox:/mnt/data/name)."
)
# What a description may be long, and how much of a name tells enough.
_MOST = 1024
_LONGEST_NAME = 80
# of the packages; the rest is for the user's files
_MOST_PACKAGES = 360

_FRAME = re.compile(r"^(?:File |Cell In)", re.MULTILINE)
_LONGEST_TRACEBACK = 4_000


def is_offered(run: Run) -> bool:
    """True if the run has the tool."""
    return any(isinstance(tool, CodeInterpreterTool) for tool in run.tools)


def definition(name: str, files: Sequence[str], packages: Sequence[str]) -> FunctionTool:
    """The function that the model is offered; `files` and `packages` are the names of those it
    finds.
    """
    return FunctionTool(
        function=FunctionDefinition(
            name=name,
            description=_described(files, packages),
            parameters={
                "type": "object",
                "properties": {"code": {"type": "string", "description": "The Python code."}},
                "required": ["code"],
                "additionalProperties": False,
            },
        )
    )


def named_packages(packages: Sequence[str]) -> list[str]:
    """The first of the packages, and one more than a definition has room for at least."""
    named: list[str] = []
    for name in packages:
        named.append(name)
        if sum(map(len, named)) > _MOST_PACKAGES:
            break
    return named


def _described(files: Sequence[str], packages: Sequence[str]) -> str:
    about = _ABOUT
    if packages:
        about += _listed("Installed: ", packages, _MOST_PACKAGES) + ". "
    about += _RESULTS
    names = [repr(file[:_LONGEST_NAME]) for file in files]
    return about + _listed(" Files of the user: ", names, _MOST - len(about))


def _listed(title: str, names: Sequence[str], most: int) -> str:
    """The names with a title, as many as fit; nothing if none does."""
    said = ""
    for name in names:
        added = f", {name}" if said else f"{title}{name}"
        if len(said) + len(added) > most - len(", …"):
            return f"{said}, …"
        said += added
    return said


def shortened(text: str, most: int) -> str:
    """A flood without its middle, cut between lines where that is near."""
    if len(text) <= most:
        return text
    head, tail = text[: most // 2], text[len(text) - most // 2 :]
    line_end = head.rfind("\n")
    if line_end > most // 4:
        head = head[: line_end + 1]
    line_begin = tail.find("\n")
    if 0 <= line_begin < most // 4:
        tail = tail[line_begin + 1 :]
    left_out = len(text) - len(head) - len(tail)
    return f"{head}\n[{left_out} characters are left out here.]\n{tail}"


def traceback(text: str) -> str:
    """A traceback without the frames of libraries: where in the model's own code it came from,
    and what the error was.
    """
    starts = [frame.start() for frame in _FRAME.finditer(text)]
    if not starts:
        return shortened(text, _LONGEST_TRACEBACK)
    blocks = [text[begin:end] for begin, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    # The error stands behind the last frame.
    last, _, error = blocks[-1].rstrip().rpartition("\n\n")
    blocks[-1] = f"{last}\n\n" if last else blocks[-1]
    kept = [block for block in blocks if block.startswith("Cell In")]
    left_out = len(blocks) - len(kept)
    note = f"[{left_out} frames of libraries are left out here.]\n\n" if left_out else ""
    whole = f"{text[: starts[0]]}{''.join(kept)}{note}{error}"
    return shortened(whole, _LONGEST_TRACEBACK)
