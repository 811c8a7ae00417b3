"""The directives that the scripted model obeys, read from a user's message.

A directive stands alone on its line; see `docs/scripted-model.md`. A message without any is an
ordinary one, and gets the model's ordinary answer.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from perdure.wire.base import JsonObject


@dataclass
class Call:
    """A function call; without arguments, they are made up from the function's schema."""

    name: str
    arguments: str | None = None


@dataclass
class Round:
    """What the model does in one round. Tokens are the words of the answer."""

    say: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    refusal: str | None = None
    wait_ms: float = 0.0
    stop_after: int | None = None
    fail: str | None = None
    fail_after: int = 0
    finish: str | None = None
    usage: tuple[int, int] | None = None
    forever: bool = False


def parse(text: str) -> list[Round] | None:
    """The rounds that a message asks for; None if it holds no directive."""
    rounds = [Round()]
    found = False
    for line in text.splitlines():
        if line.strip() == "then:":
            rounds.append(Round())
            found = True
            continue
        for pattern, act in _DIRECTIVES:
            match = pattern.fullmatch(line.strip())
            if match:
                act(rounds[-1], match)
                found = True
                break
    return rounds if found else None


def _say(to: Round, match: re.Match[str]) -> None:
    to.say.append(match["text"])


def _say_words(to: Round, match: re.Match[str]) -> None:
    to.say.append(" ".join(f"word{number}" for number in range(1, int(match["count"]) + 1)))


def _call(to: Round, match: re.Match[str]) -> None:
    to.calls.append(Call(match["name"], match["arguments"] or None))


def _refuse(to: Round, match: re.Match[str]) -> None:
    to.refusal = match["text"]


def _wait(to: Round, match: re.Match[str]) -> None:
    to.wait_ms = float(match["ms"])


def _stop(to: Round, match: re.Match[str]) -> None:
    to.stop_after = int(match["count"])


def _fail(to: Round, match: re.Match[str]) -> None:
    to.fail = match["code"]
    to.fail_after = int(match["count"] or 0)


def _finish(to: Round, match: re.Match[str]) -> None:
    to.finish = match["reason"]


def _usage(to: Round, match: re.Match[str]) -> None:
    to.usage = (int(match["prompt"]), int(match["completion"]))


def _forever(to: Round, _: re.Match[str]) -> None:
    to.forever = True


_CODES = "server_error|rate_limit_exceeded|invalid_prompt"
_DIRECTIVES: tuple[tuple[re.Pattern[str], Callable[[Round, re.Match[str]], None]], ...] = tuple(
    (re.compile(pattern), act)
    for pattern, act in (
        (r"say:\s*(?P<text>.*)", _say),
        (r"say (?P<count>\d{1,6}) words?", _say_words),
        (r"call:\s*(?P<name>[\w-]+)\s*(?P<arguments>.*)", _call),
        (r"refuse:\s*(?P<text>.*)", _refuse),
        (r"wait (?P<ms>\d+(\.\d+)?) ms", _wait),
        (r"stop after (?P<count>\d+) tokens?", _stop),
        (rf"fail: (?P<code>{_CODES})( after (?P<count>\d+) tokens?)?", _fail),
        (r"finish: (?P<reason>\w+)", _finish),
        (r"usage: (?P<prompt>\d+) (?P<completion>\d+)", _usage),
        (r"forever", _forever),
    )
)


def as_arguments(value: object) -> str:
    """Arguments as a model writes them: a JSON object in a string."""
    document: JsonObject = value if isinstance(value, dict) else {}
    return msgspec.json.encode(document).decode()
