"""Directives of the scripted model, read from a user's message.

A directive stands alone on its line; see `docs/scripted-model.md`. A message without any is an
ordinary one, and gets the model's ordinary answer.
"""

import json
import re
import textwrap
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass
class ScriptedCall:
    """A function call; without arguments, they are made up from the function's schema."""

    name: str
    arguments: str | None = None


@dataclass
class ScriptedRound:
    """The text, calls and end of one round of the model. Tokens are the words of the answer."""

    say: list[str] = field(default_factory=list)
    calls: list[ScriptedCall] = field(default_factory=list)
    refusal: str | None = None
    wait_ms: float = 0.0
    stop_after: int | None = None
    fail: str | None = None
    fail_after: int = 0
    finish: str | None = None
    usage: tuple[int, int] | None = None
    no_usage: bool = False
    forever: bool = False

    @property
    def is_act(self) -> bool:
        """True if it says what to answer, and not merely how."""
        return bool(self.say or self.calls or self.refusal is not None or self.fail or self.forever)


class Script(NamedTuple):
    """The rounds that a message asks for, at least one, and the rest of its text."""

    rounds: list[ScriptedRound]
    text: str

    def round(self, number: int) -> ScriptedRound:
        """Returns a round, counted from 0; an empty one behind the last."""
        return self.rounds[number] if number < len(self.rounds) else ScriptedRound()

    @property
    def is_act(self) -> bool:
        return any(each.is_act for each in self.rounds)


def parse(message: str) -> Script:
    """Splits a message into directives and text."""
    rounds = [ScriptedRound()]
    text: list[str] = []
    lines = deque(message.splitlines())
    while lines:
        line = lines.popleft()
        if line.strip() in _BLOCKS and (code := _block(lines)):
            if line.strip() != _BLOCKS[0]:
                rounds.append(ScriptedRound())
            rounds[-1].calls.append(_python(code))
        elif not _obey(line.strip(), rounds):
            text.append(line)
    return Script(rounds, "\n".join(text).strip())


def _block(lines: deque[str]) -> str:
    """Takes the indented lines that come first; they may have blank ones between them."""
    block: list[str] = []
    while lines and (not lines[0].strip() or lines[0][0] in " \t"):
        block.append(lines.popleft())
    return textwrap.dedent("\n".join(block)).strip("\n")


def _python(code: str) -> ScriptedCall:
    return ScriptedCall("python", json.dumps({"code": code}, ensure_ascii=False))


def _obey(line: str, rounds: list[ScriptedRound]) -> bool:
    """Adds a line's directive to the rounds. Returns false if it is none."""
    if not line.startswith("then:"):
        return _add(line, rounds[-1])
    rest, following = line.removeprefix("then:").strip(), ScriptedRound()
    if rest and not _add(rest, following):
        return False
    rounds.append(following)
    return True


def _add(line: str, to: ScriptedRound) -> bool:
    for pattern, add in _DIRECTIVES:
        match = pattern.fullmatch(line)
        if match:
            add(to, match)
            return True
    return False


def _say(to: ScriptedRound, match: re.Match[str]) -> None:
    to.say.append(match["text"])


def _say_words(to: ScriptedRound, match: re.Match[str]) -> None:
    to.say.append(" ".join(f"word{number}" for number in range(1, int(match["count"]) + 1)))


def _call(to: ScriptedRound, match: re.Match[str]) -> None:
    to.calls.append(ScriptedCall(match["name"], match["arguments"] or None))


def _run(to: ScriptedRound, match: re.Match[str]) -> None:
    to.calls.append(_python(match["code"]))


def _refuse(to: ScriptedRound, match: re.Match[str]) -> None:
    to.refusal = match["text"]


def _wait(to: ScriptedRound, match: re.Match[str]) -> None:
    to.wait_ms = float(match["ms"])


def _stop(to: ScriptedRound, match: re.Match[str]) -> None:
    to.stop_after = int(match["count"])


def _fail(to: ScriptedRound, match: re.Match[str]) -> None:
    to.fail = match["code"]
    to.fail_after = int(match["count"] or 0)


def _finish(to: ScriptedRound, match: re.Match[str]) -> None:
    to.finish = match["reason"]


def _usage(to: ScriptedRound, match: re.Match[str]) -> None:
    to.usage = (int(match["prompt"]), int(match["completion"]))


def _no_usage(to: ScriptedRound, _: re.Match[str]) -> None:
    to.no_usage = True


def _forever(to: ScriptedRound, _: re.Match[str]) -> None:
    to.forever = True


# The beginning of a block of code.
_BLOCKS = ("python:", "then: python:")
_CODES = "server_error|rate_limit_exceeded|invalid_prompt"
_DIRECTIVES: tuple[tuple[re.Pattern[str], Callable[[ScriptedRound, re.Match[str]], None]], ...] = (
    tuple(
        (re.compile(pattern), add)
        for pattern, add in (
            (r"say:\s*(?P<text>.*)", _say),
            (r"say (?P<count>\d{1,6}) words?", _say_words),
            (r"call:\s*(?P<name>[\w-]+)\s*(?P<arguments>.*)", _call),
            (r"python:\s*(?P<code>.+)", _run),
            (r"refuse:\s*(?P<text>.*)", _refuse),
            (r"wait (?P<ms>\d{1,6}(\.\d{1,6})?) ms( between tokens)?", _wait),
            (r"stop after (?P<count>\d{1,9}) tokens?", _stop),
            (rf"fail: (?P<code>{_CODES})( after (?P<count>\d{{1,9}}) tokens?)?", _fail),
            (r"finish: (?P<reason>\w+)", _finish),
            (r"usage: (?P<prompt>\d{1,9}) (?P<completion>\d{1,9})", _usage),
            (r"no usage", _no_usage),
            (r"forever", _forever),
        )
    )
)
