"""Findings of `perdure doctor`, and their output."""

import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from perdure.cli.terminal import fold, line, width_of


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


_STYLES = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red"}
# `fail` and `settings`, the longest of each, and the space between them and the text.
_STATE, _ABOUT = 4, 8
_INDENT = _STATE + _ABOUT + 2


class Finding(NamedTuple):
    """One thing that was found; `remedy` says what to do about it."""

    state: State
    about: str
    text: str
    remedy: str = ""


def show(findings: Iterable[Finding]) -> None:
    """Prints the findings: one a line in a pipe or a file, folded between words on a terminal."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    width = width_of(sys.stdout)
    for finding in findings:
        state = Text(f"{finding.state:<{_STATE}}", _STYLES[finding.state])
        said = [line(finding.text)]
        if finding.remedy:
            said.append(f"→ {line(finding.remedy)}")
        rows = [row for each in said for row in fold(each, width, indent=_INDENT)]
        console.print(state, f"{finding.about:<{_ABOUT}} {rows[0]}")
        for row in rows[1:]:
            console.print(f"{'':{_INDENT}}{row}")
