"""Dumps that other programs have made: their documents are read one after the other, and what is
in them is written to a folder that is imported then.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from perdure.errors import ConfigurationError
from perdure.exchange import archives
from perdure.exchange.archive_writers import MANIFEST
from perdure.exchange.dump_objects import DumpObject, DumpPlace, find
from perdure.exchange.fetched_folder import FetchedFolder
from perdure.exchange.tar_files import FilePart, lines_of, members
from perdure.wire.base import decode

# A document of JSON is in memory as a whole.
_MOST_DOCUMENT_BYTES = 256 * 1024 * 1024
_COPY_BYTES = 1024 * 1024
_LINES = (".jsonl", ".ndjson")
_DOCUMENT = ".json"
_MOST_PROBLEMS = 1000
_AT_ONCE = 500


class ReadDump(NamedTuple):
    """A dump that was read: the folder to import, and what could not be read, a sentence each."""

    folder: Path
    problems: list[str]


def is_dump(path: str) -> bool:
    """Returns True for a path that is no archive of ours: a folder without a manifest that has
    documents, or a document.
    """
    found = Path(path)
    if found.is_dir():
        return not (found / MANIFEST).exists() and any(_documents_below(found))
    if path == "-" or not found.is_file():
        return False
    if found.suffix in (*_LINES, _DOCUMENT):
        return True
    names = archives.names(path)
    return not any(name.rpartition("/")[2] == MANIFEST for name in names) and any(
        name.endswith((*_LINES, _DOCUMENT)) for name in names
    )


@contextmanager
def read(path: str, *, now: int) -> Iterator[ReadDump]:
    """Reads a dump into a folder, which is deleted at the end. Raises `ConfigurationError` where
    nothing in it is an object of the API.
    """
    with tempfile.TemporaryDirectory(prefix="perdure-dump-") as held, archives.telling(path):
        folder = Path(held) / "read"
        with FetchedFolder(folder, path) as target:
            reading = _Reading(target)
            for name, part in _parts(path):
                reading.document(name, part)
            reading.finish()
            target.complete(now=now)
        if not reading.found:
            raise ConfigurationError(
                f"{path} has no object of the API, in no form that is known."
                + "".join(f" {each}" for each in reading.problems[:1])
            )
        yield ReadDump(folder, reading.problems)


def _documents_below(folder: Path) -> Iterator[Path]:
    return (path for path in _files_below(folder) if path.suffix in (*_LINES, _DOCUMENT))


def _files_below(folder: Path) -> Iterator[Path]:
    for where, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(where) / name
            if path.is_file() and not path.is_symlink():
                yield path


def _parts(path: str) -> Iterator[tuple[str, FilePart]]:
    """Yields all files of a dump with their names, documents first."""
    found = Path(path)
    if found.is_dir():
        paths = sorted(_files_below(found), key=lambda each: (not _is_document(each.name), each))
        for each in paths:
            with each.open("rb") as file:
                size = each.stat().st_size
                yield str(each.relative_to(found)), FilePart(file.fileno(), 0, size)
    elif _is_document(found.name):
        with found.open("rb") as file:
            yield found.name, FilePart(file.fileno(), 0, found.stat().st_size)
    else:
        with archives.seekable(path) as tar:
            inside = members(tar)
            for name in sorted(inside, key=lambda each: (not _is_document(each), each)):
                yield name, inside[name]


def _is_document(name: str) -> bool:
    return name.endswith((*_LINES, _DOCUMENT))


class _Reading:
    """The reading of a dump."""

    def __init__(self, target: FetchedFolder) -> None:
        self._target = target
        self._waiting: list[DumpObject] = []
        self._threads: set[str] = set()
        # threads that messages are on, with the time of the first
        self._named: dict[str, int] = {}
        self._lacking: dict[str, dict[str, object]] = {}
        self._parts = 0
        self.found = 0
        self.problems: list[str] = []

    def document(self, name: str, part: FilePart) -> None:
        """Reads a document, or a file that may be a content."""
        # What has no time gets the one of its document, the same each time that it is read.
        now = int(os.fstat(part.fd).st_mtime)
        if name.endswith(_LINES):
            for number, _, text in lines_of(part):
                self._value(name, f"line {number}", text, now)
        elif not name.endswith(_DOCUMENT):
            self._original(name, part)
        elif part.size > _MOST_DOCUMENT_BYTES:
            self._problem(f"{name} is larger than {_MOST_DOCUMENT_BYTES} bytes.")
        else:
            self._value(name, "", part.read(0, part.size), now)

    def finish(self) -> None:
        """Writes what waits: threads that are only named, and files without contents."""
        for thread_id, time in self._named.items():
            if thread_id not in self._threads:
                thread = {"object": "thread", "id": thread_id, "created_at": time}
                self._waiting.append(DumpObject(thread))
        self._waiting += [DumpObject(body) for body in self._lacking.values()]
        self._write()

    def _value(self, name: str, place: str, text: bytes | None, now: int) -> None:
        if text is not None and not text.strip():
            return
        at = f"{name}, {place}" if place else name
        if text is None:
            self._problem(f"{at} is longer than 64 MiB.")
            return
        before = self.found
        try:
            value = decode(text, object)
            for each in find(value, DumpPlace(name, place, now)):
                self._add(each)
        except (ValueError, RecursionError):
            self._problem(f"{at} is no JSON that can be read.")
            return
        if self.found == before and value not in ([], {}) and not _is_empty_page(value):
            self._problem(f"{at} has no object of the API.")

    def _add(self, found: DumpObject) -> None:
        self.found += 1
        body = found.body
        kind, object_id = body["object"], body.get("id")
        if kind == "thread" and isinstance(object_id, str):
            self._threads.add(object_id)
        elif kind == "thread.message" and isinstance(body.get("thread_id"), str):
            time = body["created_at"]
            thread_id = body["thread_id"]
            self._named[thread_id] = min(time, self._named.get(thread_id, time))
        if kind == "file" and found.content is None and isinstance(object_id, str):
            self._lacking[object_id] = body
            return
        self._waiting.append(found)
        if found.content is not None or len(self._waiting) >= _AT_ONCE:
            self._write()

    def _original(self, name: str, part: FilePart) -> None:
        """Takes a file for the content of the file whose id is its name, before any ending."""
        stem = name.rpartition("/")[2].partition(".")[0]
        body = self._lacking.get(stem)
        if body is None or body.get("bytes") not in (0, part.size):
            return
        del self._lacking[stem]
        with self._target.content_path(stem).open("wb") as file:
            place = 0
            while block := part.read(place, _COPY_BYTES):
                file.write(block)
                place += len(block)
        self._waiting.append(DumpObject({**body, "bytes": place, "_export": {}}))

    def _write(self) -> None:
        for each in self._waiting:
            file_id = each.body.get("id")
            if each.content is not None and isinstance(file_id, str) and _is_plain(file_id):
                self._target.content_path(file_id).write_bytes(each.content)
        self._parts += 1
        self._target.finish(f"part {self._parts}", [each.body for each in self._waiting])
        self._waiting.clear()

    def _problem(self, text: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(text)


def _is_plain(file_id: str) -> bool:
    text = file_id.replace("-", "").replace("_", "")
    return len(file_id) <= 200 and text.isascii() and text.isalnum()


def _is_empty_page(value: object) -> bool:
    return isinstance(value, dict) and value.get("data") == []
