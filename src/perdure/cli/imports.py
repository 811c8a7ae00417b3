"""`perdure import`: reads an archive of objects into a database, or into a running server."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, contextmanager
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from perdure import storage
from perdure.app import blob_stores_of
from perdure.bus.memory import MemoryBus
from perdure.cli.client import Client, RequestFailed
from perdure.cli.progress import LineProgress
from perdure.cli.terminal import line, say, tell
from perdure.clock import SystemClock
from perdure.commands.imported_objects import ImportOptions
from perdure.commands.imports import ImportBeginning
from perdure.errors import APIError, ConfigurationError
from perdure.exchange import archives, dumps, exporter, frames, importer
from perdure.exchange.archives import Archive
from perdure.exchange.importer import ImportProgress, ImportResult
from perdure.exchange.items import ContentItem
from perdure.exchange.line_index import LineGroup
from perdure.exchange.originals import Originals
from perdure.exchange.targets import DatabaseTarget, DryRun, ImportTarget, file_id_of
from perdure.settings import Settings
from perdure.storage import checkup
from perdure.wire.base import Object, encode
from perdure.wire.exchange import ContentNeed, ImportBegun, ImportReport

ALL, NOTHING, SOME_FAILED = 0, 1, 3
_SHOWN = 20
_AGAIN = "Start the same command again, and it goes on."


class ImportRequest(NamedTuple):
    """A request of the command line. `files`: a folder of original files."""

    path: str
    options: ImportOptions
    files: Path | None = None
    report: Path | None = None
    dry_run: bool = False


class NamedModel(Object, kw_only=True):
    """A model that imported assistants name; `has_alias`: an alias or the default model answers."""

    model: str
    assistants: int
    has_alias: bool


class WholeReport(ImportReport, kw_only=True):
    """The report of an import as it is written to a file."""

    dry_run: bool
    keeps_places: bool
    was_changed: bool
    named_models: list[NamedModel]


def now() -> int:
    """Returns the time of an import."""
    return int(SystemClock().now())


def import_to_database(chosen: Settings, asked: ImportRequest) -> int:
    """Imports into the database itself. Returns the exit code. Raises `ConfigurationError`, also
    while a server uses the folder of an SQLite database.
    """
    with _opened(asked) as (archive, is_whole):
        if asked.dry_run:
            code = _try(chosen, asked, archive)
        else:
            code = asyncio.run(_import_to_database(chosen, asked, archive))
    return code if is_whole else code or SOME_FAILED


@contextmanager
def _opened(asked: ImportRequest) -> Iterator[tuple[Archive, bool]]:
    """Opens an archive, or a dump of another program as one; yields True with one of which all
    could be read.
    """
    if not dumps.is_dump(asked.path):
        with archives.open_to_read(asked.path) as archive:
            yield archive, True
        return
    with (
        dumps.read(asked.path, now=asked.options.now) as dump,
        archives.open_to_read(str(dump.folder)) as archive,
    ):
        for problem in dump.problems[:_SHOWN]:
            tell(problem)
        if len(dump.problems) > _SHOWN:
            tell(f"{len(dump.problems) - _SHOWN:,} more documents and lines cannot be read.")
        yield archive, not dump.problems


def _try(chosen: Settings, asked: ImportRequest, archive: Archive) -> int:
    url = chosen.database_url.get_secret_value() if chosen.database_url else None
    options = _complete(asked.options, archive)
    if url is None and not (chosen.data_dir / "perdure.db").exists():
        return asyncio.run(_run(chosen, asked, archive, DryRun(None, options)))
    if checkup.look(url, chosen.data_dir).pending:
        raise ConfigurationError(
            "The database is of an earlier version: start the server of this version first."
        )
    with storage.snapshot(url, chosen.data_dir) as tx:
        return asyncio.run(_run(chosen, asked, archive, DryRun(tx, options)))


async def _import_to_database(chosen: Settings, asked: ImportRequest, archive: Archive) -> int:
    url = chosen.database_url.get_secret_value() if chosen.database_url else None
    database = storage.connect(url, chosen.data_dir, bus=MemoryBus())
    stores = blob_stores_of(chosen)
    async with AsyncExitStack() as stack:
        await database.open()
        stack.push_async_callback(database.close)
        await stores.open()
        stack.push_async_callback(stores.close)
        options = _complete(asked.options, archive)
        target = DatabaseTarget(database, stores, SystemClock(), options)
        return await _run(chosen, asked, archive, target)


async def import_to_server(chosen: Settings, asked: ImportRequest, client: Client) -> int:
    """Imports into a running server. Returns the exit code. Raises `RequestFailed`."""
    with _opened(asked) as (archive, is_whole):
        target = _ServerTarget(client, _complete(asked.options, archive))
        async with client:
            code = await _run(chosen, asked, archive, target)
    return code if is_whole else code or SOME_FAILED


def _complete(options: ImportOptions, archive: Archive) -> ImportOptions:
    """Returns the options for this archive: of a whole one, what is named and not there was deleted
    where it came from.
    """
    return options._replace(fills_gaps=not exporter.is_whole(archive.manifest))


class _ServerTarget:
    """See `ImportTarget`: a running server."""

    def __init__(self, client: Client, options: ImportOptions) -> None:
        self._client = client
        self._options = options

    async def begin(self, beginning: ImportBeginning) -> bool:
        body = {"digest": beginning.digest, "places": beginning.places}
        begun = await self._client.post("/import/begin", body, ImportBegun)
        self._options = self._options._replace(keeps_seq=begun.keeps_places)
        return begun.keeps_places

    async def add(self, group: LineGroup, content: ContentItem | None) -> ImportReport:
        options = self._options
        if content is not None and not await self._needs_content(group):
            content = None
        query = {
            "on_conflict": options.on_conflict,
            "keep_expired": _flag(options.keep_expired),
            "keeps_places": _flag(options.keeps_seq),
            "fills_gaps": _flag(options.fills_gaps),
        }
        if options.project is not None:
            query["project"] = options.project
        path = f"/import?{urlencode(query)}"
        return await self._client.send(path, _body(group, content), ImportReport)

    async def _needs_content(self, group: LineGroup) -> bool:
        body = {"file_id": file_id_of(group), "on_conflict": self._options.on_conflict}
        need = await self._client.post("/import/contents", body, ContentNeed)
        return need.is_needed


def _flag(value: bool) -> str:
    return "true" if value else "false"


async def _body(group: LineGroup, content: ContentItem | None) -> AsyncGenerator[bytes, None]:
    digest = sha256()
    for number, text in group.lines():
        frame = frames.line(text, number)
        digest.update(frame)
        yield frame
    if content is not None:
        async for block in frames.content(content):
            digest.update(block)
            yield block
    yield frames.end(digest)


async def _run(
    chosen: Settings, asked: ImportRequest, archive: Archive, target: ImportTarget
) -> int:
    originals = Originals(asked.files) if asked.files else None
    doing = "Reading" if asked.dry_run else "Importing"
    with LineProgress(doing) as shown:

        def on_progress(progress: ImportProgress) -> None:
            shown.reach(progress.done, progress.lines)

        try:
            result = await importer.run(
                archive, target, on_progress=on_progress, originals=originals
            )
        except APIError as error:
            raise ConfigurationError(f"{error.message} {_AGAIN}") from None
        except RequestFailed as error:
            raise RequestFailed(f"{error} {_AGAIN}") from None
    report = _whole(chosen, asked, result)
    if asked.report is not None:
        _write(asked.report, report)
    _show(report)
    if result.tally.failed:
        return SOME_FAILED if result.tally.failed < result.lines else NOTHING
    return ALL


def _whole(chosen: Settings, asked: ImportRequest, result: ImportResult) -> WholeReport:
    found = result.tally.report()
    aliases = [*chosen.model_aliases, *(["*"] if chosen.default_model else [])]
    models = [
        NamedModel(
            model=model,
            assistants=number,
            has_alias=any(fnmatchcase(model, alias) for alias in aliases),
        )
        for model, number in sorted(found.models.items())
    ]
    return WholeReport(
        **{name: getattr(found, name) for name in found.__struct_fields__},
        dry_run=asked.dry_run,
        keeps_places=result.keeps_places,
        was_changed=result.was_changed,
        named_models=models,
    )


def _write(path: Path, report: WholeReport) -> None:
    try:
        path.write_bytes(encode(report) + b"\n")
    except OSError as error:
        tell(f"The report cannot be written to {line(str(path))}: {error.strerror}.")


def _show(report: WholeReport) -> None:
    for kind, counts in report.kinds.items():
        say(
            f"{line(kind):<18} {counts.read:>9,} read  {counts.created:>9,} created  "
            f"{counts.skipped:>9,} skipped  {counts.replaced:>9,} replaced  {counts.failed:>9,} "
            "failed"
        )
    _show_failures(report)
    _show_notes(report)


def _show_failures(report: WholeReport) -> None:
    for failure in report.failures[:_SHOWN]:
        what = " ".join(filter(None, (f"{failure.line},", failure.kind, failure.id))).rstrip(",")
        tell(f"Line {what}: {failure.reason}")
    if len(report.failures) > _SHOWN:
        tell(f"{len(report.failures) - _SHOWN:,} more failures are in the report (--report FILE).")
    for missing in report.missing[:_SHOWN]:
        if missing.id == missing.named_by:
            tell(f"The content of the file {missing.id} is missing.")
        else:
            tell(f"The {missing.kind} {missing.id} is missing, which {missing.named_by} names.")


def _show_notes(report: WholeReport) -> None:
    if report.was_changed:
        tell("objects.jsonl was changed after it was exported.")
    if report.cut_runs:
        tell(f"{report.cut_runs:,} runs were in hand, and are cancelled here.")
    if not report.keeps_places:
        tell("Objects come behind those that were there; the order within a thread is kept.")
    if report.unknown_keys:
        tell(f"Unknown keys were left out: {encode(report.unknown_keys).decode()}.")
    if report.unsupported_tools:
        tell(f"Tools that cannot run here: {encode(report.unsupported_tools).decode()}.")
    without = [each.model for each in report.named_models if not each.has_alias]
    if without:
        tell(f"Models without an alias, which a model server must have: {', '.join(without)}.")
