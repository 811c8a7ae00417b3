"""The file_search tool: the vector stores of a run, and the searches in them."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from perdure.bus.bus import Bus
from perdure.clock import Clock
from perdure.commands import vector_stores
from perdure.errors import BadRequest
from perdure.retrieval import search as retrieval
from perdure.storage.database import Database, Transaction
from perdure.tools.file_search import definition, results
from perdure.tools.file_search.call import OpenSearchCall
from perdure.tools.file_search.citations import Citer
from perdure.tools.file_search.results import SearchReplays
from perdure.tools.open_call import OpenCall
from perdure.tools.tool import Prompter, RunWriter, ToolError, ToolPrompt, ToolServices, free_name
from perdure.wire.formats import TextFormat
from perdure.wire.run_steps import FileSearchResult, FileSearchToolCall, RunStep
from perdure.wire.runs import Run
from perdure.wire.tools import FileSearchChoice, FileSearchSettings
from perdure.wire.vector_store_files import ContentText

# Seconds that the searches of an execution wait for the files of the thread's own vector store,
# all of them together (spec 03 §4).
_PATIENCE = 60
# Seconds until it looks again by itself: another server may be the one that reads the files.
_LOOK_SECONDS = 1.0
_NAME = "file_search"


class SearchTool:
    """The tool of one server; see `Tool`."""

    upkeep = None

    def __init__(self, services: ToolServices) -> None:
        self._services = services

    async def open(self, run: Run) -> "RunSearchTool | None":
        """Notes the run's vector stores as used. Raises `ToolError` if one has expired."""
        settings = definition.settings(run)
        if settings is None:
            return None
        services = self._services
        try:
            scope = await services.database.write(
                vector_stores.use, run, now=int(services.clock.now())
            )
        except BadRequest as error:
            raise ToolError(error.message) from error
        return RunSearchTool(services, run, settings, *scope)

    def recall(
        self, run: Run, sources: Mapping[str, Sequence[str]]
    ) -> "tuple[RunSearchTool, Prompter] | None":
        settings = definition.settings(run)
        stores = sources.get(free_name(_NAME, run))
        if settings is None or stores is None:
            return None
        tool = RunSearchTool(self._services, run, settings, tuple(stores), ())
        return tool, tool.prompter()

    async def step(self) -> None:
        """Has nothing to do."""

    async def close(self) -> None:
        """Has started nothing."""


class RunSearchTool:
    """The tool in one execution; see `RunTool`.

    `stores` are the ids of the vector stores that are searched, `of_thread` those among them that
    belong to the thread: searches wait for their files.
    """

    def __init__(
        self,
        services: ToolServices,
        run: Run,
        settings: FileSearchSettings,
        stores: tuple[str, ...],
        of_thread: tuple[str, ...],
    ) -> None:
        self.name = free_name(_NAME, run)
        self._services = services
        self._run = run
        self._settings = settings
        self.sources = stores
        self._of_thread = of_thread
        self._ranking = definition.ranking(run)
        # When the wait ends; known with the first search.
        self._waits_until: float | None = None

    def is_forced(self, choice: object) -> bool:
        return isinstance(choice, FileSearchChoice)

    def prompter(self) -> Prompter:
        return self._prompt

    def _prompt(self, tx: Transaction, steps: Sequence[RunStep]) -> ToolPrompt:  # noqa: ARG002
        replays = SearchReplays(steps)
        sources = replays.sources
        # A model that knows the tool may invent citations, too, where nothing was found.
        cites = bool(self.sources or sources)
        run = self._run
        plain = run.response_format in ("auto", None) or isinstance(run.response_format, TextFormat)
        # A marker of ours would spoil the JSON of others, and so would one that is mended.
        make_citer = partial(
            Citer,
            sources,
            attribute=self._services.settings.cite_unmarked,
            verbatim=not plain,
        )
        return ToolPrompt(
            definition.definition(self.name) if self.sources else None,
            replays,
            make_citer if cites else None,
            sources=self.sources,
        )

    def open_call(self, step_id: str, index: int, call_id: str) -> OpenSearchCall:
        return OpenSearchCall(step_id, index, call_id, self.name, ranking=self._ranking)

    async def answer(self, calls: Sequence[OpenCall], writer: RunWriter) -> None:
        await self._wait_for_files()
        bounds = definition.bounds(self._settings, self._services.window(self._run.model))
        # Searches of one round come into the context together.
        most_tokens = bounds.tokens // len(calls)
        for call in calls:
            assert isinstance(call, OpenSearchCall)  # noqa: S101 # all calls of this tool are
            call.answered = await self._search(call, bounds.results, most_tokens)
            writer.count("file_search_calls")

    async def _search(
        self, call: OpenSearchCall, limit: int, most_tokens: int
    ) -> FileSearchToolCall:
        queries = definition.queries(call.arguments)
        passages = await retrieval.search(
            self._services.database,
            self._services.embedders,
            self.sources,
            queries,
            limit=limit,
            score_threshold=self._ranking.score_threshold,
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
        return await asyncio.to_thread(
            results.call, call.id, queries, self._ranking, found, most_tokens=most_tokens
        )

    def withdraw(self, tx: Transaction, step: RunStep, *, project: str, now: int) -> None:
        """Searches leave nothing."""

    def close(self) -> None:
        """Has nothing open."""

    async def _wait_for_files(self) -> None:
        services = self._services
        if self._waits_until is None:
            self._waits_until = services.clock.now() + _PATIENCE
        for store_id in self._of_thread:
            await _settled(
                services.database, services.bus, services.clock, store_id, self._waits_until
            )


async def _settled(database: Database, bus: Bus, clock: Clock, store_id: str, until: float) -> None:
    """Waits until no file of the vector store is in progress, as long as it is worth waiting."""
    changed = asyncio.Event()
    with bus.on_interrupt(store_id, changed.set):
        while clock.now() < until:
            changed.clear()
            if not await database.read(vector_stores.has_files_in_progress, store_id):
                return
            try:
                await asyncio.wait_for(changed.wait(), _LOOK_SECONDS)
            except TimeoutError:
                continue
