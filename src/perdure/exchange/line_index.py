"""The lines of `objects.jsonl` in the order in which they are imported, whatever theirs is.

An index of all lines is in a file without a name while an import goes on, so that a million lines
take no memory. It is an SQLite database of its own; none of its bytes outlive the command.
"""

import hashlib
import sqlite3
from array import array
from collections.abc import Callable, Iterator
from typing import NamedTuple

from perdure.commands.import_tally import ImportTally
from perdure.exchange.tar_files import FilePart, lines_of
from perdure.wire import exchange
from perdure.wire.exchange import (
    KINDS,
    OF_THREAD,
    TABLES,
    Kind,
    LineHead,
    UnreadableLine,
)

_ROWS_AT_ONCE = 5_000
_RANKS: dict[str, int] = {kind: rank for rank, kind in enumerate(KINDS)}
_THREAD = "thread"
# What is one group by itself, in this order.
SINGLE_KINDS = tuple(kind for kind in KINDS if kind not in OF_THREAD and kind != _THREAD)
_MOST_PLACE = 2**53

_SCHEMA = """
CREATE TABLE lines (
    line INTEGER PRIMARY KEY, rank INTEGER, thread INTEGER, seq INTEGER, created_at INTEGER,
    start INTEGER, size INTEGER
);
CREATE TABLE threads (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE, seq INTEGER, created_at INTEGER, line INTEGER
);
"""
_INDEXES = """
CREATE INDEX singles ON lines (rank) WHERE thread IS NULL;
CREATE INDEX of_thread ON lines (thread) WHERE thread IS NOT NULL;
"""


class LineGroup(NamedTuple):
    """Lines that are written together: numbers, starts and sizes, one after the other. `read`
    returns the bytes of a line by start and size.
    """

    kind: Kind
    read: Callable[[int, int], bytes]
    places: "array[int]"

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """See `ImportGroup`."""
        places = self.places
        for at in range(0, len(places), 3):
            yield places[at], self.read(places[at + 1], places[at + 2])

    def __len__(self) -> int:
        return len(self.places) // 3


class LineIndex:
    """The index of a file of lines. Lines that say nothing of themselves are reported in `tally`,
    and are not in it.
    """

    def __init__(self, objects: FilePart, tally: ImportTally) -> None:
        self._objects = objects
        self._tally = tally
        # Without a name it is a temporary file, which nobody finds after a kill. It is built in a
        # thread, and used by one at a time.
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("PRAGMA synchronous = OFF")
        self._rows.executescript(_SCHEMA)
        self._last_thread: tuple[str, int] = ("", 0)
        self.digest = ""
        self.lines = 0

    def close(self) -> None:
        """Deletes the index."""
        self._rows.close()

    def build(self) -> None:
        """Reads all lines once."""
        digest = hashlib.sha256()
        waiting: list[tuple[object, ...]] = []
        self._rows.execute("BEGIN")
        for number, start, text in lines_of(self._objects):
            if text is None:
                self._tally.count("unknown", "read")
                self._tally.fail(number, None, None, "It is longer than 64 MiB.")
                continue
            digest.update(text)
            self.lines += 1
            if row := self._row(number, start, text):
                waiting.append(row)
            if len(waiting) == _ROWS_AT_ONCE:
                self._insert(waiting)
        self._insert(waiting)
        self._rows.execute("COMMIT")
        self._rows.executescript(_INDEXES)
        self.digest = digest.hexdigest()

    def _row(self, number: int, start: int, text: bytes) -> tuple[object, ...] | None:
        if not text.strip():
            return None
        try:
            head = exchange.head(text)
        except UnreadableLine as error:
            self._tally.count("unknown", "read")
            self._tally.fail(number, None, None, str(error))
            return None
        thread = None
        if head.object in OF_THREAD:
            thread = self._thread(head.thread_id or "")
        elif head.object == _THREAD:
            thread = self._thread(head.id)
            self._rows.execute(
                "UPDATE threads SET seq = ?, created_at = ?, line = ? WHERE number = ?",
                (_place(head), head.created_at, number, thread),
            )
        rank = _RANKS[head.object]
        return (number, rank, thread, _place(head), head.created_at, start, len(text))

    def _thread(self, thread_id: str) -> int:
        if self._last_thread[0] != thread_id:
            self._rows.execute("INSERT OR IGNORE INTO threads (id) VALUES (?)", (thread_id,))
            found = self._rows.execute("SELECT number FROM threads WHERE id = ?", (thread_id,))
            self._last_thread = (thread_id, found.fetchone()[0])
        return self._last_thread[1]

    def _insert(self, waiting: list[tuple[object, ...]]) -> None:
        self._rows.executemany("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, ?)", waiting)
        waiting.clear()

    def last_places(self) -> dict[str, int]:
        """Returns the last place of each table; nothing where a line has none, or two of a kind
        have the same.
        """
        found = self._rows.execute(
            "SELECT rank, COUNT(*), COUNT(DISTINCT seq), MAX(seq) FROM lines GROUP BY rank"
        ).fetchall()
        kinds = list(KINDS)
        places = {}
        for rank, lines, distinct, last in found:
            if lines != distinct:
                return {}
            places[TABLES[kinds[rank]]] = int(last)
        return places

    def singles(self, kind: Kind) -> Iterator[LineGroup]:
        """Yields each line of a kind that is a group by itself, in the order of their places."""
        rows = self._rows.execute(
            "SELECT line, start, size FROM lines WHERE thread IS NULL AND rank = ? "
            "ORDER BY seq IS NULL, seq, created_at, line",
            (_RANKS[kind],),
        )
        for row in rows:
            yield LineGroup(kind, self._objects.read, array("q", row))

    def threads(self) -> Iterator[LineGroup]:
        """Yields each thread with all that belongs to it, in the order of their places."""
        numbers = self._rows.execute(
            "SELECT number FROM threads ORDER BY line IS NULL, seq IS NULL, seq, created_at, line"
        )
        for (number,) in numbers:
            rows = self._rows.execute(
                "SELECT line, start, size FROM lines WHERE thread = ? "
                "ORDER BY rank, seq IS NULL, seq, created_at, line",
                (number,),
            )
            places = array("q")
            for row in rows:
                places.extend(row)
            yield LineGroup("thread", self._objects.read, places)


def _place(head: LineHead) -> int | None:
    seq = head.export.seq
    return seq if seq is not None and 0 < seq <= _MOST_PLACE else None
