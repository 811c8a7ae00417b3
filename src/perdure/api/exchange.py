"""Export and import over HTTP, for those who operate the server. An extension (spec 10 §2 and §3).

Bodies are rows of frames (`exchange/frames.py`), and never held in memory.
"""

import os
import tempfile
from array import array
from collections.abc import AsyncGenerator
from functools import partial
from typing import BinaryIO, cast, get_args

import perdure
from perdure import storage
from perdure.api.content_response import BlocksResponse
from perdure.api.http import Answer, ApiCall
from perdure.api.permissions import require_operator
from perdure.commands import imports
from perdure.commands.export_references import ExportSelection
from perdure.commands.imported_objects import ImportOptions, OnConflict
from perdure.commands.imports import ImportBeginning
from perdure.errors import BadRequest, ConfigurationError, Unavailable
from perdure.exchange import exporter, frames
from perdure.exchange.exporter import ExportSource
from perdure.exchange.frames import BrokenFrames, FrameHead, FrameReader
from perdure.exchange.items import ContentItem
from perdure.exchange.line_index import LineGroup
from perdure.exchange.targets import DatabaseTarget
from perdure.wire import refusals
from perdure.wire.exchange import BeginImport, ContentNeed, ImportBegun, QueryContent

# What a group of lines may take in memory; a longer one waits in a file.
_HELD_BYTES = 1024 * 1024
_MOST_TIME = 2**53


async def export(call: ApiCall) -> Answer:
    """Sends an export of what the query selects."""
    require_operator(call)
    chosen = call.services.settings
    url = chosen.database_url.get_secret_value() if chosen.database_url else None
    about = {"url": str(call.request.base_url), "server_version": perdure.__version__}
    snapshot = partial(storage.snapshot, url, chosen.data_dir)
    source = ExportSource(snapshot, call.services.blobs, about)
    body = frames.write(exporter.export(source, _selection(call), now=call.now))
    try:
        first = await anext(body)
    except ConfigurationError as error:
        raise Unavailable(str(error)) from error
    return BlocksResponse(first, body, 200, {"content-type": frames.MEDIA_TYPE})


async def begin(call: ApiCall) -> Answer:
    """Begins an import, or goes on with it."""
    require_operator(call)
    body = await call.body(BeginImport)
    beginning = ImportBeginning(body.digest, body.places)
    keeps = await call.services.database.write(imports.begin, beginning, now=call.now)
    return ImportBegun(keeps_places=keeps)


async def query_content(call: ApiCall) -> Answer:
    """Says whether the content of a file is needed, so that none is sent that is there."""
    require_operator(call)
    body = await call.body(QueryContent)
    is_needed = await call.services.database.read(
        imports.wants_content, body.file_id, on_conflict=body.on_conflict
    )
    return ContentNeed(file_id=body.file_id, is_needed=is_needed)


async def add(call: ApiCall) -> Answer:
    """Adds the group of lines in the body, with the content of the file that it is."""
    require_operator(call)
    services = call.services
    target = DatabaseTarget(services.database, services.blobs, services.clock, _options(call))
    with _Spool() as spool:
        try:
            group, content = await _receive(FrameReader(call.request.stream()), spool)
            report = await target.add(group, content)
            if content is not None:
                async for _ in content.blocks:  # what was not wanted
                    pass
        except BrokenFrames as error:
            raise BadRequest(str(error), code="invalid_body") from None
    return report


def _selection(call: ApiCall) -> ExportSelection:
    asked = call.request.query_params
    since = asked.get("since")
    if since is not None and not (since.isascii() and since.isdigit() and int(since) < _MOST_TIME):
        raise refusals.not_an_integer("since")
    return ExportSelection(
        project=asked.get("project") or None,
        assistants=frozenset(filter(None, asked.getlist("assistant"))),
        threads=frozenset(filter(None, asked.getlist("thread"))),
        since=None if since is None else int(since),
        with_files=_is_true(call, "files", default=True),
        with_runs=_is_true(call, "runs", default=True),
    )


def _options(call: ApiCall) -> ImportOptions:
    asked = call.request.query_params
    on_conflict = asked.get("on_conflict", "skip")
    if on_conflict not in get_args(OnConflict):
        supported = get_args(OnConflict)
        raise refusals.unsupported_value("on_conflict", value=on_conflict, supported=supported)
    return ImportOptions(
        now=call.now,
        project=asked.get("project") or None,
        on_conflict=cast("OnConflict", on_conflict),
        keep_expired=_is_true(call, "keep_expired", default=False),
        keeps_seq=_is_true(call, "keeps_places", default=False),
        fills_gaps=_is_true(call, "fills_gaps", default=True),
    )


def _is_true(call: ApiCall, name: str, *, default: bool) -> bool:
    value = call.request.query_params.get(name)
    if value not in (None, "true", "false"):
        raise refusals.unsupported_value(name, value=str(value), supported=("true", "false"))
    return default if value is None else value == "true"


class _Spool:
    """The bytes of lines, in memory or in a file without a name."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._file: BinaryIO | None = None
        self._size = 0

    def __enter__(self) -> "_Spool":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, text: bytes) -> int:
        """Adds the bytes of a line. Returns where they start."""
        start, self._size = self._size, self._size + len(text)
        self._held += text
        if self._file is None and len(self._held) > _HELD_BYTES:
            self._file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 # `__exit__`
        if self._file is not None:
            self._file.write(self._held)
            self._file.flush()  # it is read by its descriptor
            self._held.clear()
        return start

    def read(self, start: int, size: int) -> bytes:
        """Returns the bytes of a line."""
        if self._file is not None:
            return os.pread(self._file.fileno(), size, start)
        return bytes(self._held[start : start + size])


async def _receive(reader: FrameReader, spool: _Spool) -> tuple[LineGroup, ContentItem | None]:
    """Returns the group of the body: its lines, and its content, which is behind them and not read
    yet.
    """
    places = array("q")
    while True:
        head = await reader.head()
        if head.frame != "object":
            break
        text = await reader.bytes(head.bytes)
        if not 0 <= head.line < _MOST_TIME:
            raise BrokenFrames("The body holds a line without a number.")
        places.extend((head.line, spool.write(text), len(text)))
    if not places:
        raise BrokenFrames("The body holds no line.")
    content = None
    if head.frame == "content":
        content = ContentItem(head.id, head.bytes, _content(reader, head))
    return LineGroup("file" if content else "thread", spool.read, places), content


async def _content(reader: FrameReader, head: FrameHead) -> AsyncGenerator[bytes, None]:
    """Yields a content. The body must end behind it."""
    async for block in reader.blocks(head.bytes):
        yield block
    if (await reader.head()).frame != "end":
        raise BrokenFrames("The body goes on behind the content of its file.")
