"""Docstrings say what a thing is or does: they begin with a noun or a verb."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import perdure

SOURCE = Path(perdure.__file__).parent
_RIDDLE = re.compile(
    r"(what|whatever|whether|how|all|which|whichever|who|whoever|whom|whose|where|why)\b",
    re.IGNORECASE,
)


def begins_with_a_riddle(docstring: str) -> bool:
    return _RIDDLE.match(docstring.strip()) is not None


def public_docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """Yields the docstrings of a module, its public classes and their public functions, with the
    name of each.
    """
    module = ast.parse(path.read_text(encoding="utf-8"))
    nodes: list[tuple[str, ast.AST]] = [(path.stem, module)]
    while nodes:
        name, node = nodes.pop()
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if docstring := ast.get_docstring(node):
            yield name, docstring
        nodes += [
            (f"{name}.{child.name}", child)
            for child in node.body
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and not child.name.startswith("_")
        ]


def test_no_public_docstring_begins_with_a_riddle() -> None:
    checked = [
        (str(path.relative_to(SOURCE)), name, docstring)
        for path in sorted(SOURCE.rglob("*.py"))
        for name, docstring in public_docstrings(path)
    ]
    assert len(checked) > 500
    assert [found[:2] for found in checked if begins_with_a_riddle(found[2])] == []


@pytest.mark.parametrize(
    ("docstring", "riddle"),
    [
        ("What is told about a run.", True),
        ("Whether the run has ended.", True),
        ("Who reads which file.", True),
        ("all that is wrong with files.", True),
        ("Returns True if the run has ended.", False),
        ("Whole content, or one range of it.", False),
        ("Allowance of a run.", False),
    ],
)
def test_a_riddle_is_known_by_its_first_word(docstring: str, *, riddle: bool) -> None:
    assert begins_with_a_riddle(docstring) is riddle
