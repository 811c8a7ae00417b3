"""Code out of the arguments of a tool call, while the model writes them.

The arguments are to be `{"code": "…"}`, and come in fragments cut anywhere. Models also write bare
code, a fence around it, or JSON that breaks off; then what is there is taken. The code that is run
is the one that clients see, streamed and stored, so a fence is no part of it.
"""

import json
import re
from collections.abc import Callable

from perdure.tools.code_interpreter.fence import FenceRemover

_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*', re.DOTALL)
# A key that is longer is none of ours.
_LONGEST_KEY = 1000
_PLAIN = re.compile(r'[^"\\]+')
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LONE = re.compile("[\ud800-\udfff]")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "/": "/", '"': '"', "\\": "\\"}


class CodeReader:
    """Gives the same code, whatever the fragments are."""

    def __init__(self) -> None:
        self._raw: list[str] = []
        self._held = ""
        self._state: Callable[[list[str]], bool] = self._start
        self._fence = FenceRemover()
        self._code: list[str] = []
        self._is_found = False
        self._depth = 0
        self._in_string = False

    @property
    def code(self) -> str:
        """The code, as far as it is known."""
        return "".join(self._code)

    def feed(self, fragment: str) -> str:
        """The part of the code that is certain now."""
        self._raw.append(fragment)
        self._held += fragment
        found: list[str] = []
        while self._held and self._state(found):
            pass
        return self._told(self._fence.feed("".join(found)))

    def finish(self) -> str:
        """The rest of the code, when there are no more fragments."""
        rest = ""
        if self._state == self._string:
            rest, self._held = self._held, ""
        elif not self._is_found:
            rest = _bare("".join(self._raw))
        return self._told(self._fence.feed(rest) + self._fence.finish())

    def _told(self, code: str) -> str:
        code = _LONE.sub("\ufffd", code)
        self._code.append(code)
        return code

    # Each state consumes what is held, and says whether there may be more to consume.

    def _start(self, _: list[str]) -> bool:
        self._held = self._held.lstrip()
        if self._held:
            states = {"{": self._key, '"': self._string}
            self._state = states.get(self._held[0], self._ignore)
            self._held = self._held[1:]
        return True

    def _key(self, _: list[str]) -> bool:
        self._held = self._held.lstrip(" \t\r\n,")
        if not self._held:
            return False
        key = _KEY.match(self._held)
        if key is None or key.end() == len(self._held):
            if self._held[0] != '"' or len(self._held) > _LONGEST_KEY:
                self._state = self._ignore
            return self._state == self._ignore
        self._held = self._held[key.end() :]
        if key[1] == "code" and self._held[0] == '"':
            self._held, self._state = self._held[1:], self._string
        else:
            self._depth, self._in_string, self._state = 0, False, self._skip
        return True

    def _skip(self, _: list[str]) -> bool:
        """The value of another key."""
        place = 0
        while place < len(self._held):
            char = self._held[place]
            if self._in_string and char == "\\":
                if place + 1 == len(self._held):
                    break
                place += 1
            elif char == '"':
                self._in_string = not self._in_string
            elif not self._in_string:
                if char in ",}" and not self._depth:
                    self._state = self._key if char == "," else self._ignore
                    break
                self._depth += (char in "[{") - (char in "]}")
            place += 1
        ended = self._state != self._skip
        self._held = self._held[place:]
        return ended

    def _string(self, found: list[str]) -> bool:
        self._is_found = True
        plain = _PLAIN.match(self._held)
        if plain is not None:
            found.append(plain[0])
            self._held = self._held[plain.end() :]
        elif self._held[0] == '"':
            self._state = self._ignore
        else:
            taken = _escape(self._held)
            if taken is None:
                return False
            char, length = taken
            found.append(char)
            self._held = self._held[length:]
        return True

    def _ignore(self, _: list[str]) -> bool:
        self._held = ""
        return False


def _escape(held: str) -> tuple[str, int] | None:
    """The character of the escape that comes next, and how long it is; None while it is cut."""
    if len(held) < 2:
        return None
    if held[1] != "u":
        return _ESCAPES.get(held[1], held[:2]), 2
    first = _unit(held, 0)
    if first is None:
        return None if len(held) < 6 else (held[:2], 2)
    if not "\ud800" <= first <= "\udbff":
        return first, 6
    # the first half of a pair
    if len(held) < 12 and held[6:8] in ("", "\\", "\\u"[: len(held) - 6]):
        return None
    second = _unit(held, 6)
    if second is None or not _PAIR.fullmatch(first + second):
        return first, 6
    return (first + second).encode("utf-16", "surrogatepass").decode("utf-16"), 12


def _unit(held: str, place: int) -> str | None:
    digits = held[place + 2 : place + 6]
    if held[place : place + 2] != "\\u" or not re.fullmatch("[0-9a-fA-F]{4}", digits):
        return None
    return chr(int(digits, 16))


def _bare(raw: str) -> str:
    """The code in arguments that are not as they were to be."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    if value == {}:
        return ""
    lines = value.get("code") if isinstance(value, dict) else None
    if isinstance(lines, list) and all(isinstance(line, str) for line in lines):
        return "\n".join(lines)
    return raw
