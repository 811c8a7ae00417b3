"""Text that repeats itself, told once: a warning comes once for each glyph, each row, each figure.

Of what is written to `stderr`, nothing is told twice; of a line of `stdout`, many in a row are
counted. No other text is changed. Standard library only.
"""

import re
from collections.abc import Iterator

_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
# `warnings.showwarning` begins so: where it is from, and its category
_WARNING = re.compile(r"[^\n]{0,500}?:\d{1,9}: \w{0,99}Warning(?=: )")
_TRACEBACK = "Traceback (most recent call last)"
# different warnings of one place and category, such as one for each missing glyph
_ALIKE = 5
# a line that comes so often in a row is data, perhaps
_IN_A_ROW = 20
# longer lines are told as they come; more different ones are not remembered
_LONGEST_LINE = 4096
_LONGEST_TRACEBACK = 400
_REMEMBERED = 10_000


class Repeats:
    """The texts of one execution without their repeats."""

    def __init__(self) -> None:
        self._streams: dict[str, _Rows | _Warnings] = {"stdout": _Rows(), "stderr": _Warnings()}

    def feed(self, stream: str, text: str) -> str:
        """Returns what is to be told of a text now."""
        told = self._streams.get(stream)
        return text if told is None else told.feed(text)

    def flush(self) -> Iterator[tuple[str, str]]:
        """Yields what was held until its line had ended, by stream."""
        for stream, told in self._streams.items():
            if rest := told.flush():
                yield stream, rest

    def finish(self) -> Iterator[tuple[str, str]]:
        """Yields what is left to tell when there is no more text."""
        for stream, told in self._streams.items():
            if rest := told.finish():
                yield stream, rest


class _Rows:
    """A stream in which lines that come many times in a row are counted."""

    def __init__(self) -> None:
        self._line = ""
        self._times = self._left_out = 0
        # of the line that has not ended: what was told, and what is held
        self._begun = self._held = ""

    def feed(self, text: str) -> str:
        held, self._held = self._held, ""
        lines = _LINES.findall(held + text)
        return "".join(self._told(line) for line in lines)

    def _told(self, line: str) -> str:
        if not line.endswith(("\r", "\n")):
            may_repeat = self._times >= _IN_A_ROW and not self._begun
            if may_repeat and self._line.startswith(line):
                self._held = line
                return ""
            self._begun = (self._begun + line)[: _LONGEST_LINE + 1]
            return self._note() + line
        whole, is_begun, self._begun = self._begun + line, bool(self._begun), ""
        if whole != self._line or len(whole) > _LONGEST_LINE:
            note = self._note()
            self._line, self._times = whole[: _LONGEST_LINE + 1], 1
            return note + line
        self._times += 1
        if self._times <= _IN_A_ROW or is_begun:
            return line
        self._left_out += 1
        return ""

    def flush(self) -> str:
        held, self._held = self._held, ""
        self._begun += held
        return self._note() + held

    def finish(self) -> str:
        return self.flush()

    def _note(self) -> str:
        times, self._left_out = self._left_out, 0
        return f"[The line above came {times} times more.]\n" if times else ""


class _Warnings:
    """A stream in which nothing is told twice: a line and the indented ones that belong to it, or a
    traceback. Of different warnings of one place, a few are told.
    """

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._alike: dict[str, int] = {}
        self._traceback: list[str] = []
        # of the record that has begun: its first line, and what it counts as
        self._first = self._key = ""
        self._is_told = True
        self._held = ""
        self._left_out = 0

    def feed(self, text: str) -> str:
        held, self._held = self._held, ""
        lines = _LINES.findall(held + text)
        if lines and not lines[-1].endswith(("\r", "\n")) and len(lines[-1]) <= _LONGEST_LINE:
            self._held = lines.pop()
        return "".join(self._told(line) for line in lines)

    def _told(self, line: str) -> str:
        is_more = line[0].isspace()
        if self._traceback:
            self._traceback.append(line)
            return "" if is_more and len(self._traceback) < _LONGEST_TRACEBACK else self._whole()
        if line.startswith(_TRACEBACK):
            self._traceback.append(line)
            return ""
        if is_more:
            return self._more(line)
        self._first = line
        return self._record(line)

    def _whole(self) -> str:
        whole = "".join(self._traceback)
        self._traceback.clear()
        self._first = ""
        return self._record(whole)

    def _record(self, text: str) -> str:
        warning = _WARNING.match(text)
        self._key = warning[0] if warning else text
        is_new = self._is_new(text)
        if warning and is_new and len(self._known) < _REMEMBERED:
            times = self._alike[self._key] = self._alike.get(self._key, 0) + 1
            is_new = times <= _ALIKE
        self._is_told = is_new
        return self._if_told(text)

    def _more(self, line: str) -> str:
        """Returns a line that belongs to the record, with its first one if it is told now."""
        is_new = bool(line.strip()) and self._is_new(f"{self._key}\n{line}")
        if not is_new or self._is_told:
            return self._if_told(line)
        self._is_told = True
        self._left_out -= 1
        return self._first + line

    def _is_new(self, text: str) -> bool:
        """Returns true if a text did not come before, as far as that is remembered."""
        key = hash(text)
        if key in self._known:
            return False
        if len(self._known) < _REMEMBERED:
            self._known.add(key)
        return True

    def _if_told(self, text: str) -> str:
        if self._is_told:
            return text
        self._left_out += len(text.splitlines())
        return ""

    def flush(self) -> str:
        held, self._held = self._held, ""
        told = self._told(held) if held else ""
        return told + (self._whole() if self._traceback else "")

    def finish(self) -> str:
        told = self.flush()
        if not self._left_out:
            return told
        line_end = "\n" if told and not told.endswith("\n") else ""
        return f"{told}{line_end}[{self._left_out} lines of repeated warnings are left out.]\n"
