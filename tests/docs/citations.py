"""Citations of the contract in `docs/spec`: where they are, and whether they lead somewhere.

A citation is the word "spec" and a page; behind it may stand sections of the page, a range of
them, rows of a section's table, and further pages: "spec 03 §9", "spec 01 §8-10, 06 §1.5",
"spec 03 §2, rows 2 and 5", "spec 04 §8, N1". It may go on in the next line of a comment.
"""

import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.docs.documents import ROOT

CONTRACT = ROOT / "docs" / "spec"
_PLACES = ("src", "tests", "bench", "examples", "docs", "README.md", "CONTRIBUTING.md")
_KINDS = {".py", ".md", ".toml", ".sql", ".js", ".mjs", ".ts", ".sh", ".txt"}
# It has wrong citations on purpose.
_SAMPLES = ROOT / "tests" / "docs" / "test_citations.py"

_SIGN = "\N{SECTION SIGN}"
# Within a line, or on to the next one, which may be a comment too.
_GAP = r"(?:[ \t]*\n[ \t]*(?:#|--|//)?[ \t]*|[ \t]+)"
_JOIN = rf"(?:,{_GAP}(?:and{_GAP})?|{_GAP}and{_GAP})"
_NUMBER = r"\d+(?:\.\d+)*"
_WORD = re.compile(r"(?<![\w/{.-])[Ss]pec\b(?![/\"']| \{)")
_PAGE = re.compile(rf"{_GAP}(\d+)")
_NEXT_PAGE = re.compile(rf"{_JOIN}(0\d)(?![\d.])")
_FIRST_SECTION = re.compile(rf"{_GAP}{_SIGN}({_NUMBER})(?:-({_NUMBER}))?")
_NEXT_SECTION = re.compile(rf"{_JOIN}{_SIGN}({_NUMBER})(?:-({_NUMBER}))?")
_ROWS = re.compile(rf",{_GAP}rows?{_GAP}([1-9]\d*(?:{_JOIN}[1-9]\d*)*)|,{_GAP}([A-Z]\d+)\b")
# What would go on with a citation in a form that is not followed here.
_TAIL = re.compile(rf"[-/+&\u2013\u2014]|{_GAP}(?:or|to|until|through|&){_GAP}(?:{_SIGN}|0\d)")
_FUNCTION = re.compile(r"\bdef \w*spec_\d\w*")
# Other documents have sections too.
_FOREIGN = re.compile(rf"RFC \d+ {_SIGN}{_NUMBER}")


class Target(NamedTuple):
    """What is cited: a page, perhaps a section of it, perhaps a row there."""

    page: str
    section: str = ""
    row: str = ""

    def __str__(self) -> str:
        section = f" {_SIGN}{self.section}" if self.section else ""
        return f"spec {self.page}{section}{f', row {self.row}' if self.row else ''}"


class Found(NamedTuple):
    """A citation, and whether its text goes on in a way that nobody follows."""

    start: int
    end: int
    targets: tuple[Target, ...]
    is_whole: bool


class Section(NamedTuple):
    """The rows of a section's tables, by their first cells."""

    rows: frozenset[str]


def files() -> Iterator[Path]:
    """The files in which the contract may be cited."""
    for place in _PLACES:
        path = ROOT / place
        for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
            is_ours = "node_modules" not in each.parts and each != _SAMPLES
            if is_ours and each.suffix in _KINDS and each.is_file():
                yield each


def problems(text: str, kind: str = "") -> list[tuple[int, str]]:
    """The lines of a text with a citation that leads nowhere or is in no known form, and why.

    `kind` is the ending of the file's name. Of Python, comments and strings are read, and of
    Markdown all but fenced blocks.
    """
    names = [
        (text.count("\n", 0, match.start()) + 1, f"cited in a name: {match[0]}")
        for match in _FUNCTION.finditer(text)
    ]
    # Most files say nothing of it.
    if not (_WORD.search(text) or _SIGN in text):
        return names
    wrong: list[tuple[int, str]] = []
    prose = _PROSE[kind](text) if kind in _PROSE else text
    covered: list[range] = [range(*match.span()) for match in _FOREIGN.finditer(prose)]
    for match in _WORD.finditer(prose):
        found = citation(prose, match)
        if found is None or not found.is_whole:
            wrong.append((match.start(), f"no known form: {_shown(prose, match.start())}"))
        if found is not None:
            covered.append(range(found.start, found.end))
            lost = [target for target in found.targets if not exists(target)]
            wrong += [(match.start(), f"leads nowhere: {target}") for target in lost]
    for match in re.finditer(_SIGN, prose):
        if not any(match.start() in each for each in covered):
            wrong.append((match.start(), f"no citation: {_shown(prose, match.start())}"))
    return sorted({*names, *((prose.count("\n", 0, at) + 1, why) for at, why in wrong)})


def citation(text: str, word: re.Match[str]) -> Found | None:
    """The citation that begins with this word; None where none does."""
    begun = _PAGE.match(text, word.end())
    if begun is None:
        return None
    page, at = begun[1], begun.end()
    targets = [Target(page)]
    sections = _FIRST_SECTION
    while True:
        if match := sections.match(text, at):
            if targets[-1] == Target(page):
                targets.pop()
            targets += [Target(page, each) for each in _range(match[1], match[2])]
            sections = _NEXT_SECTION
        elif targets[-1].section and (match := _ROWS.match(text, at)):
            rows = re.findall(r"\w+", match[2] or match[1])
            targets += [targets[-1]._replace(row=row) for row in rows if row != "and"]
        elif match := _NEXT_PAGE.match(text, at):
            page = match[1]
            targets.append(Target(page))
            sections = _FIRST_SECTION
        else:
            break
        at = match.end()
    return Found(word.start(), at, tuple(targets), _TAIL.match(text, at) is None)


def exists(target: Target) -> bool:
    """Whether the contract has this page, section and row."""
    sections = contract().get(target.page)
    if sections is None or not target.section:
        return sections is not None
    section = sections.get(target.section)
    return section is not None and (not target.row or target.row in section.rows)


@cache
def contract() -> dict[str, dict[str, Section]]:
    """The sections of each page of the contract, by their numbers."""
    return {
        path.name[:2]: _sections(path.read_text(encoding="utf-8"))
        for path in CONTRACT.glob("[0-9][0-9]-*.md")
    }


def _sections(text: str) -> dict[str, Section]:
    parts = re.split(rf"^#{{2,3}} ({_NUMBER})\.? ", text, flags=re.MULTILINE)[1:]
    return {
        number: Section(frozenset(re.findall(r"^\| (\w+) \|", body, re.MULTILINE)))
        for number, body in zip(parts[::2], parts[1::2], strict=True)
    }


def _range(first: str, last: str | None) -> list[str]:
    """All sections from the first to the last, which is counted at the level of both."""
    if not last:
        return [first]
    head, _, start = first.rpartition(".")
    last_head, _, end = last.rpartition(".")
    if head != last_head or int(start) >= int(end):
        return [f"{first}-{last}"]
    dot = "." if head else ""
    return [f"{head}{dot}{number}" for number in range(int(start), int(end) + 1)]


def _of_markdown(text: str) -> str:
    """Markdown with empty lines in place of fenced blocks."""
    return re.sub(
        r"^```.*?^```$",
        lambda block: "\n" * block[0].count("\n"),
        text,
        flags=re.MULTILINE | re.DOTALL,
    )


def _of_python(text: str) -> str:
    """Python with spaces in place of all that is no comment and no string."""
    lines = text.splitlines(keepends=True)
    kept = [[" "] * (len(line) - 1) + ["\n"] for line in lines]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if tokenize.tok_name[token.type] not in ("COMMENT", "STRING", "FSTRING_MIDDLE"):
            continue
        for row in range(token.start[0], token.end[0] + 1):
            begin = token.start[1] if row == token.start[0] else 0
            end = token.end[1] if row == token.end[0] else len(lines[row - 1]) - 1
            kept[row - 1][begin:end] = lines[row - 1][begin:end]
    return "".join("".join(line) for line in kept)


_PROSE = {".py": _of_python, ".md": _of_markdown}


def _shown(text: str, at: int) -> str:
    return " ".join(text[at : at + 40].split())
