"""A test collection of real text: the documentation inside Python's standard library.

A document is what a docstring says after its first paragraph; the query that should find it is
that first paragraph, which is not part of the document. So each query has one relevant document,
as a title has its article. It needs no download and no licence beyond that of the Python that
runs the bench, and it changes a little from one version of Python to the next. The sources are
read, not imported.
"""

import ast
import sysconfig
from pathlib import Path
from typing import NamedTuple

_LEFT_OUT = frozenset(
    {"__pycache__", "ensurepip", "idlelib", "lib2to3", "site-packages", "test", "tests"}
    | {"turtledemo"}
)
_QUERY_WORDS = range(4, 41)
_LEAST_WORDS = 20
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Item(NamedTuple):
    """A query and the one document that answers it."""

    query: str
    document: str


def load() -> list[Item]:
    """The collection, in the order of the files' names."""
    found: dict[str, str] = {}
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        if _LEFT_OUT.isdisjoint(path.relative_to(root).parts):
            for docstring in _docstrings(path):
                first, _, rest = docstring.partition("\n\n")
                query = " ".join(first.split())
                if len(query.split()) in _QUERY_WORDS and len(rest.split()) >= _LEAST_WORDS:
                    found.setdefault(rest, query)
    # A query that several documents would answer has no one answer.
    queries = [*found.values()]
    return [Item(query, rest) for rest, query in found.items() if queries.count(query) == 1]


def _docstrings(path: Path) -> list[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return []  # a file that is wrong on purpose
    nodes = (node for node in ast.walk(tree) if isinstance(node, _DOCUMENTED))
    return [docstring for node in nodes if (docstring := ast.get_docstring(node))]
