"""Descriptions of the settings: the docstrings that stand under the fields.

pydantic could read them too, and would for each class read and cut its source at every start.
"""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise

from pydantic import BaseModel
from pydantic_settings import BaseSettings

from perdure.settings.settings import Settings


@cache
def descriptions() -> Mapping[str, str]:
    """Returns the description of each setting by its name."""
    groups = [
        kind
        for kind in Settings.__mro__
        if issubclass(kind, BaseModel) and kind not in (BaseModel, BaseSettings)
    ]
    return {name: text for group in groups for name, text in _described(group)}


def _described(group: type[BaseModel]) -> Iterator[tuple[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[group.__module__]))
    for definition in tree.body:
        if isinstance(definition, ast.ClassDef) and definition.name == group.__name__:
            for field, below in pairwise(definition.body):
                match field, below:
                    case (
                        ast.AnnAssign(target=ast.Name(id=name)),
                        ast.Expr(value=ast.Constant(value=str(text))),
                    ):
                        yield name, inspect.cleandoc(text)
