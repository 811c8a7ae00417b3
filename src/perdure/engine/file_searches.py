"""The file_search tool in a run: which stores it has, and what its calls find (spec 06 §1)."""

import asyncio
from dataclasses import dataclass

from perdure.bus.bus import Bus
from perdure.clock import Clock
from perdure.commands import vector_stores
from perdure.engine.context import Prepared
from perdure.engine.outcomes import Failed
from perdure.engine.recorder import Recorder
from perdure.engine.windows import Windows
from perdure.errors import BadRequest
from perdure.retrieval import search as retrieval
from perdure.retrieval.embedder import Embedders
from perdure.storage.database import Database
from perdure.tools import file_search
from perdure.tools.citations import Citer
from perdure.wire.formats import TextFormat
from perdure.wire.run_steps import FileSearchResult
from perdure.wire.runs import LastError, Run
from perdure.wire.vector_store_files import ContentText

# How long the searches of an execution wait for the files of the thread's own store, all of them
# together (spec 03 §4).
_PATIENCE = 60
# How long until it looks again by itself: another node may be the one that reads the files.
_LOOK_SECONDS = 1.0


@dataclass
class SearchScope:
    """The vector stores of a run, as long as an execution has it."""

    stores: tuple[str, ...] = ()
    # the one among them that belongs to the thread, which searches wait for
    of_thread: tuple[str, ...] = ()
    # until when they wait; known with the first one
    waits_until: float | None = None


class FileSearches:
    """What an execution needs to search."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        clock: Clock,
        windows: Windows,
        embedders: Embedders,
        *,
        cite_unmarked: bool,
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._windows = windows
        self._embedders = embedders
        self._cite_unmarked = cite_unmarked

    async def stores(self, run: Run) -> SearchScope | Failed:
        """The stores that the run searches, noted as used; its failure where one has expired."""
        if file_search.settings(run) is None:
            return SearchScope()
        try:
            used = await self._database.write(vector_stores.use, run, now=int(self._clock.now()))
        except BadRequest as error:
            return Failed(LastError(code="server_error", message=error.message))
        return SearchScope(*used)

    def citer(self, run: Run, scope: SearchScope, prepared: Prepared) -> Citer | None:
        """What finds the citations in a part of the answer. A model that knows the tool may invent
        some, too, where nothing was found.
        """
        if not scope.stores and not prepared.sources:
            return None
        plain = run.response_format in ("auto", None) or isinstance(run.response_format, TextFormat)
        # A marker of ours would spoil the JSON of others, and so would one that is mended.
        return Citer(prepared.sources, attribute=self._cite_unmarked, verbatim=not plain)

    async def answer(self, recorder: Recorder, scope: SearchScope) -> None:
        """Runs the searches that the model has called for, at once."""
        searches = recorder.searches
        if not searches:
            return
        if scope.waits_until is None:
            scope.waits_until = self._clock.now() + _PATIENCE
        for store_id in scope.of_thread:
            await self._settled(store_id, scope.waits_until)
        run = recorder.run
        settings = file_search.settings(run)
        assert settings is not None  # noqa: S101 # there were searches
        bounds = file_search.bounds(settings, self._windows.of(run.model))
        # Searches of one round come into the context together.
        most_tokens = bounds.tokens // len(searches)
        ranking = file_search.ranking(run)
        for search in searches:
            queries = file_search.queries(search.arguments)
            passages = await retrieval.search(
                self._database,
                self._embedders,
                scope.stores,
                queries,
                limit=bounds.results,
                score_threshold=ranking.score_threshold,
            )
            found = [
                FileSearchResult(
                    file_id=passage.file_id,
                    file_name=passage.filename,
                    score=passage.score,
                    attributes=passage.attributes,
                    content=[ContentText(text=passage.text)],
                )
                for passage in passages
            ]
            call = await asyncio.to_thread(
                file_search.call, search.id, queries, ranking, found, most_tokens=most_tokens
            )
            search.answered = call

    async def _settled(self, store_id: str, until: float) -> None:
        """Waits until no file of the store is in progress, as long as it is worth waiting."""
        changed = asyncio.Event()
        with self._bus.on_interrupt(store_id, changed.set):
            while self._clock.now() < until:
                changed.clear()
                if not await self._database.read(vector_stores.is_at_work, store_id):
                    return
                try:
                    await asyncio.wait_for(changed.wait(), _LOOK_SECONDS)
                except TimeoutError:
                    continue
