"""The names under which code finds the user's files in /mnt/data.

They are the files' own as far as a file system takes them, a shell shows them, and no other file
has them. A session keeps the names that it was given once, whatever comes later.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import count, islice
from pathlib import PurePath
from typing import NamedTuple

from perdure.wire.files import File

# what a file system takes is 255 bytes
_LONGEST = 255
_LONGEST_ENDING = 40
# So many names are looked through for the one that a file has.
_MOST_CANDIDATES = 100


class Names(NamedTuple):
    """The names in /mnt/data of a session: the files that it was `given`, by their ids, names
    that are `taken` for other reasons, and the ids of files that it `refused`.
    """

    given: Mapping[str, str] = {}
    taken: Collection[str] = frozenset()
    refused: Collection[str] = frozenset()


NO_NAMES = Names()


def names(files: Iterable[File], there: Names = NO_NAMES) -> dict[str, str]:
    """The name of each file, by id: the one that it has there, or a free one. Those that were
    refused have none.
    """
    named: dict[str, str] = {}
    taken = {*there.taken, *there.given.values()}
    for file in files:
        if file.id in there.refused:
            continue
        name = there.given.get(file.id) or next(
            name for name in _candidates(file) if name not in taken
        )
        taken.add(name)
        named[file.id] = name
    return named


def references(files: Iterable[File], names: Mapping[str, str]) -> Iterator[str]:
    """Yields the id of each file that has a name, and, behind a hash sign, the number of the
    candidate that it has, if not the first: so the files can be named again, and no text is kept.
    """
    for file in files:
        if (name := names.get(file.id)) is not None:
            first = islice(_candidates(file), _MOST_CANDIDATES)
            number = next((at for at, each in enumerate(first) if each == name), 0)
            yield f"{file.id}#{number}" if number else file.id


def numbers(references: Iterable[str]) -> dict[str, int]:
    """The number of the candidate of each file, by its id."""
    split = (each.partition("#") for each in references)
    return {file_id: int(number or 0) for file_id, _, number in split}


def nth(file: File, number: int) -> str:
    """The candidate of this number."""
    return next(islice(_candidates(file), number, None))


def _candidates(file: File) -> Iterator[str]:
    """The file's name, and others like it without an end."""
    yield _fitting(file.filename)
    yield _fitting(file.filename, f"-{file.id[-6:]}")
    for number in count(2):
        yield _fitting(file.filename, f"-{file.id[-6:]}-{number}")


def _fitting(filename: str, tail: str = "") -> str:
    """The name with this tail before its ending, as a file system takes it."""
    seen = "".join(map(_seen, filename))
    if seen.startswith("."):  # it would be hidden, or lead elsewhere
        seen = "_" + seen[1:]
    path = PurePath(seen)
    ending = path.suffix if len(path.suffix.encode()) <= _LONGEST_ENDING else ""
    stem = seen.removesuffix(ending).encode()[: _LONGEST - len((tail + ending).encode())]
    return stem.decode(errors="ignore") + tail + ending


def _seen(char: str) -> str:
    """The character, or what stands for one that cannot be seen or has a meaning of its own."""
    if char == "/":
        return "_"
    if char.isprintable():
        return char
    return " " if char.isspace() else "_"
