"""The lines that an import is writing, and what is known of the objects that are there."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple

from perdure.commands.import_tally import ImportTally
from perdure.commands.imported_objects import ImportOptions
from perdure.errors import PerdureError
from perdure.storage.database import Row, Transaction
from perdure.wire.base import encode
from perdure.wire.exchange import TABLES, Exportable, ExportMark, Kind
from perdure.wire.projects import DEFAULT_PROJECT
from perdure.wire.vector_store_files import VectorStoreFile


class Conflict(PerdureError):
    """An object is there with other content, and conflicts fail."""

    def __init__(self, line: int, kind: str, object_id: str) -> None:
        self.line = line
        self.kind = kind
        self.id = object_id
        self.reason = "It is there already, with other content."
        super().__init__(self.reason)


class Line(NamedTuple):
    """A line that could be read: its number, its object, and the project that it goes to."""

    number: int
    kind: Kind
    body: Exportable
    mark: ExportMark
    project: str = DEFAULT_PROJECT

    @property
    def key(self) -> str:
        """Returns what is unique in its kind."""
        if isinstance(self.body, VectorStoreFile):
            return f"{self.body.vector_store_id}/{self.body.id}"
        return self.body.id


class Batch(NamedTuple):
    """Some lines of one kind, none of which has the key of another."""

    kind: Kind
    lines: list[Line]
    keys: set[str]


class Written(Enum):
    """The fate of an object in the database."""

    NOT = auto()
    CREATED = auto()
    REPLACED = auto()


class Importing:
    """The import of one group, in its transaction. `lines` reads the group's lines again."""

    def __init__(
        self,
        tx: Transaction,
        options: ImportOptions,
        lines: Callable[[], Iterator[tuple[int, bytes]]],
    ) -> None:
        self.tx = tx
        self.options = options
        self.lines = lines
        self.tally = ImportTally()
        self._projects: dict[str, bool] = {}

    def in_project(self, line: Line) -> Line | None:
        """Returns the line with the project that it goes to; None where there is no such project,
        which is reported.
        """
        project = self.options.project or line.mark.project or DEFAULT_PROJECT
        if project not in self._projects:
            possible = "\0" not in project
            row = self.tx.one("projects.get", id=project) if possible else None
            self._projects[project] = row is not None
        if self._projects[project]:
            return line._replace(project=project)
        reason = f"There is no project {project[:64]}: make it, or name another with --project."
        self.tally.fail(line.number, line.kind, line.body.id, reason)
        return None

    def known(self, table: str, batch: Batch) -> dict[str, Row]:
        """Returns those of the batch's objects that are there, of any project, by id."""
        return self.rows(table, [line.body.id for line in batch.lines])

    def rows(self, table: str, ids: Collection[str]) -> dict[str, Row]:
        """Returns those of the objects that are there, of any project, by id."""
        if not ids:
            return {}
        found = self.tx.all(f"imports.{table}", ids=encode(list(ids)).decode())
        return {row["id"]: row for row in found}

    def settle(
        self,
        line: Line,
        row: Row | None,
        columns: Mapping[str, object],
        *,
        is_same: bool,
        heals: bool = False,
    ) -> Written:
        """Adds an object, leaves it as it is, or replaces what is there (`row`). One that `heals`
        replaces what is there whatever conflicts do.
        """
        if row is None:
            self.insert(line, columns)
            return Written.CREATED
        if row["project"] != line.project:
            self.tally.fail(line.number, line.kind, line.body.id, "Its id is taken.")
            return Written.NOT
        if not heals and not self.replaces(line, is_same=is_same):
            return Written.NOT
        if not self.tx.run(f"imports.replace_{TABLES[line.kind]}", **columns):
            self.tally.fail(line.number, line.kind, line.body.id, "The one here is in hand.")
            return Written.NOT
        self.tally.count(line.kind, "replaced")
        return Written.REPLACED

    def insert(self, line: Line, columns: Mapping[str, object]) -> None:
        """Adds an object that is not there."""
        self.insert_all(line.kind, [(line, columns)])

    def insert_all(self, kind: Kind, new: Sequence[tuple[Line, Mapping[str, object]]]) -> None:
        """Adds objects of one kind that are not there."""
        keeps = self.options.keeps_seq
        rows = ({**columns, "seq": line.mark.seq if keeps else None} for line, columns in new)
        self.tx.many(f"imports.insert_{TABLES[kind]}", rows)
        self.tally.count(kind, "created", len(new))

    def replaces(self, line: Line, *, is_same: bool) -> bool:
        """Returns True if what is there is to be replaced, and counts it as skipped otherwise.
        Raises `Conflict`.
        """
        if is_same or self.options.on_conflict == "skip":
            self.tally.count(line.kind, "skipped")
            return False
        if self.options.on_conflict == "fail":
            raise Conflict(line.number, line.kind, line.body.id)
        return True
