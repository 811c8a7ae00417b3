"""A folder that takes what is fetched from another server, and is an archive in the end.

A journal says which parts are complete, and how long the file of lines was then: what was written
behind that is cut off when the fetching goes on after it was broken off.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from perdure.errors import ConfigurationError
from perdure.exchange import foreign
from perdure.exchange.archive_writers import FILES, MANIFEST, OBJECTS
from perdure.wire.base import Object, decode, encode
from perdure.wire.exchange import Manifest

_JOURNAL = "journal.jsonl"
_COPY_BYTES = 1024 * 1024


class _Entry(Object):
    """A part that is complete, and the size of the file of lines then. The first one names the
    source.
    """

    part: str
    size: int


class FetchedFolder:
    """See the module. `source` names the server: another one's folder is refused."""

    def __init__(self, path: Path, source: str) -> None:
        self._path = path
        self._source = source
        self._done: set[str] = set()
        self._counts: Counter[str] = Counter()

    def __enter__(self) -> Self:
        try:
            (self._path / FILES).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._journal = _opened(self._path / _JOURNAL)
            self._objects = _opened(self._path / OBJECTS)
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be written: {error.strerror}.") from None
        try:
            self._go_on()
        except ConfigurationError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()
        self._objects.close()

    def _go_on(self) -> None:
        size = good = 0
        begun = f"source {self._source}"
        for text in self._journal.read().splitlines(keepends=True):
            try:
                entry = decode(text, _Entry)
            except ValueError:
                break  # cut off
            if good == 0 and entry.part != begun:
                raise ConfigurationError(
                    f"{self._path} has what was fetched from another server: name another folder."
                )
            self._done.add(entry.part)
            size, good = entry.size, good + len(text)
        self._objects.truncate(size)
        self._objects.seek(0, os.SEEK_END)
        self._journal.truncate(good)
        if not self._done:
            self.finish(begun, ())

    def is_done(self, part: str) -> bool:
        """Returns True if a part is complete."""
        return part in self._done

    def finish(self, part: str, found: Iterable[dict[str, Any]]) -> None:
        """Writes the objects of a part, and that it is complete."""
        for each in found:
            line = foreign.line(each)
            if line is not None:
                self._objects.write(line)
        self._objects.flush()
        os.fsync(self._objects.fileno())
        self._journal.seek(0, os.SEEK_END)
        entry = _Entry(part, self._objects.tell())
        self._journal.write(encode(entry) + b"\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())
        self._done.add(part)

    def content_path(self, file_id: str) -> Path:
        """Returns where the content of a file goes."""
        return self._path / FILES / file_id

    def complete(self, *, now: int) -> None:
        """Makes an archive of the folder: only a part of what may be named, so that gaps are
        filled.
        """
        digest = hashlib.sha256()
        self._objects.seek(0)
        while block := self._objects.read(_COPY_BYTES):
            digest.update(block)
        manifest = Manifest(
            created_at=now,
            source={"url": self._source},
            objects_sha256=digest.hexdigest(),
            selection={"source": self._source},
        )
        new = self._path / f"{MANIFEST}.new"
        new.write_bytes(encode(manifest) + b"\n")
        new.replace(self._path / MANIFEST)


def _opened(path: Path) -> Any:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
