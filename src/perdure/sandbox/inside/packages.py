"""The packages that are installed for code, by looking. Standard library only."""

import re
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,49}")
_EXTRAS = re.compile(r"\[([^\]]*)\]")
_OF_EXTRA = re.compile(r"""extra == ['"]([^'"]+)['"]""")
_SERVER = "perdure"
# what runs the code, and what installs packages, which it cannot do
_APART = {_SERVER, "ipykernel", "jupyter-client", "pip", "setuptools", "uv", "wheel"}
MOST = 60


def installed(usual: Sequence[str], folders: Sequence[str] | None = None) -> list[str]:
    """Returns names of packages as they are installed, at most `MOST`: the `usual` ones in their
    order, then by name those that are there because somebody wanted them, and no other package
    needs.

    `folders`: where to look, in place of this Python's own path.
    """
    names: dict[str, str] = {}
    requirements: list[_Requirement] = []
    for package in metadata.distributions(path=list(sys.path if folders is None else folders)):
        name = package.metadata["Name"]
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            continue
        key = normalized(name)
        names.setdefault(key, name)
        requirements += [_requirement(key, text) for text in package.requires or ()]
    needed = _needed(requirements)
    first = [key for each in usual if (key := normalized(each)) in names and key not in _APART]
    others = sorted(names.keys() - needed - _APART - set(first))
    return [names[key] for key in [*first, *others]][:MOST]


def wanted_by(extra: str) -> list[str]:
    """Returns what an extra of the server names; nothing where the server is not installed as a
    package.
    """
    try:
        said = metadata.requires(_SERVER) or ()
    except metadata.PackageNotFoundError:
        return []
    requirements = [_requirement(_SERVER, text) for text in said]
    return [each.name for each in requirements if each.of_extra == extra]


class _Requirement(NamedTuple):
    """What a package needs, or only an extra of it: a name, with extras of its own."""

    package: str
    of_extra: str
    name: str
    extras: frozenset[str]


def _requirement(package: str, text: str) -> _Requirement:
    """Reads a requirement such as `psycopg[binary,pool]>=3.2; extra == "postgres"`."""
    wanted, _, condition = text.partition(";")
    name = _NAME.match(wanted)
    extras = _EXTRAS.search(wanted)
    of_extra = _OF_EXTRA.search(condition)
    return _Requirement(
        package,
        of_extra[1] if of_extra else "",
        normalized(name[0]) if name else "",
        frozenset(each.strip() for each in extras[1].split(",")) if extras else frozenset(),
    )


def _needed(requirements: Sequence[_Requirement]) -> set[str]:
    """Returns what the packages need. What an extra needs counts if a package wants that extra, or
    if it is the server's: nobody installs those for code.
    """
    wanted = {(each.name, extra) for each in requirements for extra in each.extras}
    return {
        each.name
        for each in requirements
        if not each.of_extra or each.package == _SERVER or (each.package, each.of_extra) in wanted
    }


def normalized(name: str) -> str:
    """Returns a name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def are_names(said: Sequence[str]) -> bool:
    """Returns true if all of these may be names of packages, and they are not too many."""
    return len(said) <= MOST and all(_NAME.fullmatch(name) for name in said)
