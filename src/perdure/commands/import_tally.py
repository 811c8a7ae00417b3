"""The numbers of an import, while it goes on."""

from collections import Counter, defaultdict
from typing import Literal, TypeAlias

from perdure.wire.exchange import ImportFailure, ImportReport, KindCounts, MissingReference

Fate: TypeAlias = Literal["read", "created", "skipped", "replaced", "failed"]

# Failures and missing references that a report names; beyond them they are only counted.
MOST_NAMED = 10_000
_MOST_STRANGE_KEYS = 100


class ImportTally:
    """The fates of lines so far."""

    def __init__(self) -> None:
        self.fates: dict[str, Counter[Fate]] = defaultdict(Counter)
        self.failures: list[ImportFailure] = []
        self.missing: dict[tuple[str, str], MissingReference] = {}
        self.cut_runs = 0
        self.strange: dict[str, set[str]] = defaultdict(set)
        self.models: Counter[str] = Counter()
        self.unsupported: Counter[str] = Counter()

    @property
    def failed(self) -> int:
        """Returns the number of lines that were not imported."""
        return sum(fates["failed"] for fates in self.fates.values())

    def count(self, kind: str, fate: Fate, number: int = 1) -> None:
        """Counts lines."""
        self.fates[kind][fate] += number

    def fail(self, line: int, kind: str | None, object_id: str | None, reason: str) -> None:
        """Counts a line that is not imported, with the reason in one sentence."""
        self.fates[kind or "unknown"]["failed"] += 1
        if len(self.failures) < MOST_NAMED:
            self.failures.append(ImportFailure(line=line, kind=kind, id=object_id, reason=reason))

    def miss(self, kind: Literal["file", "vector_store"], object_id: str, named_by: str) -> None:
        """Notes an object that is named and not there."""
        if len(self.missing) < MOST_NAMED:
            missed = MissingReference(kind=kind, id=object_id, named_by=named_by)
            self.missing.setdefault((kind, object_id), missed)

    def note_strange(self, kind: str, keys: frozenset[str]) -> None:
        """Notes keys that were kept out."""
        known = self.strange[kind]
        for key in keys:
            if len(known) < _MOST_STRANGE_KEYS:
                known.add(key[:64])

    def add(self, report: ImportReport) -> None:
        """Adds what became of a part."""
        for kind, counts in report.kinds.items():
            for fate in ("read", "created", "skipped", "replaced", "failed"):
                self.fates[kind][fate] += getattr(counts, fate)
        self.failures += report.failures[: MOST_NAMED - len(self.failures)]
        for each in report.missing:
            self.miss(each.kind, each.id, each.named_by)
        self.cut_runs += report.cut_runs
        for kind, keys in report.unknown_keys.items():
            self.note_strange(kind, frozenset(keys))
        self.models.update(report.models)
        self.unsupported.update(report.unsupported_tools)

    def report(self) -> ImportReport:
        """Returns the numbers as they are reported."""
        return ImportReport(
            kinds={kind: _counts(fates) for kind, fates in self.fates.items()},
            failures=list(self.failures),
            missing=list(self.missing.values()),
            cut_runs=self.cut_runs,
            unknown_keys={kind: sorted(keys) for kind, keys in self.strange.items() if keys},
            models=dict(self.models),
            unsupported_tools=dict(self.unsupported),
        )


def _counts(fates: Counter[Fate]) -> KindCounts:
    return KindCounts(
        read=fates["read"],
        created=fates["created"],
        skipped=fates["skipped"],
        replaced=fates["replaced"],
        failed=fates["failed"],
    )
