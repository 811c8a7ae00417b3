"""Names are unambiguous: one class for each public name, and modules are nouns."""

import ast
from collections import defaultdict
from pathlib import Path

import perdure

SOURCE = Path(perdure.__file__).parent
# Nouns of the field that only look like a verb.
NOUNS = {"chunking", "parsing", "ranking", "testing", "thinking"}


def test_a_public_class_name_is_defined_once() -> None:
    defined = defaultdict(list)
    for path in SOURCE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                defined[node.name].append(str(path.relative_to(SOURCE)))
    assert len(defined) > 400
    assert {name: places for name, places in defined.items() if len(places) > 1} == {}


def test_the_name_of_a_module_ends_in_a_noun() -> None:
    paths = [*SOURCE.rglob("*.py"), *(path for path in SOURCE.rglob("*") if path.is_dir())]
    heads = {path.stem.rsplit("_", 1)[-1] for path in paths}
    assert "lifecycle" in heads
    assert {head for head in heads if head.endswith("ing")} <= NOUNS
