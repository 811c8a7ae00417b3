"""The composition root: settings become a running server."""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import structlog

import perdure
from perdure import ids, model_servers, sandboxes, storage, telemetry, tools, webhooks
from perdure.api.application import Application, with_cors
from perdure.api.bodies import Decoding, HeldBytes
from perdure.api.exposition import Exposition
from perdure.api.http import Services
from perdure.api.known_keys import KnownKeys
from perdure.api.operator_pages import MetricsApplication, OperatorPages
from perdure.api.queue import Queue
from perdure.api.readiness import ReadinessCheck
from perdure.api.server_state import ServerState
from perdure.api.sign_ins import SignIns
from perdure.background import loop
from perdure.bus.memory import MemoryBus
from perdure.bus.shared import SharedBus
from perdure.clock import Clock
from perdure.commands.servers import ServerIdentity
from perdure.dashboard import PageFiles
from perdure.engine.adjustments import SharedAdjustmentMemory
from perdure.engine.engine import Engine
from perdure.engine.executor import Means
from perdure.engine.file_reader import FileReader
from perdure.engine.ingest import Ingest
from perdure.engine.remaker import RequestRemaker
from perdure.engine.run_reports import RunReports
from perdure.engine.thinking_rules import LearntStyles, ThinkingRules
from perdure.engine.windows import Windows
from perdure.errors import ConfigurationError, Unavailable
from perdure.metrics import CODE_SESSIONS, INFO, RUNS_IN_HAND, Metric, Metrics
from perdure.model_servers import ModelServerSettings
from perdure.parsing.parser import Parser
from perdure.providers.adjustment_memory import AdjustmentMemory
from perdure.providers.embeddings import EmbeddingModel
from perdure.providers.model_labels import ModelLabels
from perdure.providers.patience import Patience
from perdure.providers.router import Router
from perdure.quotas.limiter import Limiter
from perdure.settings import Settings, is_loopback
from perdure.storage import BlobStores, S3Settings
from perdure.tools import ToolServices
from perdure.webhooks.delivery_loop import Webhook, Webhooks
from perdure.wire.model_servers import ModelWindow
from perdure.wire.projects import DEFAULT_PROJECT

_log = structlog.get_logger(__name__)

# How long a thread may keep the interpreter from the others. Streams at full load would keep the
# database's threads waiting for seconds at the default of 5 ms.
_SWITCH_SECONDS = 0.0001
# How long the start waits for lists of models, and how often they are asked for later.
_LISTING_SECONDS = 5.0
# The minutes in which keys were used are written this often.
_USES_SECONDS = 60.0
_CLOSING = "The server is stopping. The run goes on when it is back: retrieve it by its id."


class Perdure:
    """One server in this process: API, worker, or both, as the setting `role` says.

    `parser` parses files. By default it is one of the server's own, which starts with the first
    file. `address` is where the server listens; by default the host and port of the settings.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        parser: Parser | None = None,
        address: str | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock
        url = settings.database_url.get_secret_value() if settings.database_url else None
        self.identity = ServerIdentity(
            ids.new("server"),
            address or f"{settings.host}:{settings.port}",
            perdure.__version__,
            settings.role,
            clock.now(),
        )
        self.telemetry = telemetry.connect(
            os.environ, version=perdure.__version__, instance=self.identity.id
        )
        self.metrics = Metrics()
        self.metrics.set(INFO, 1, perdure.__version__, settings.role)
        self.bus = MemoryBus() if url is None else _shared_bus(url, self.identity.id)
        self.database = storage.connect(url, settings.data_dir, bus=self.bus, metrics=self.metrics)
        self.blobs = blob_stores_of(settings, self.metrics)
        self.provider = provider_of(settings, clock, SharedAdjustmentMemory(self.database, clock))
        self.labels = ModelLabels(self.provider, clock)
        self.embedding = _embedding(settings)
        embedders = {self.embedding.name: self.embedding} if self.embedding else {}
        self.limiter = Limiter(
            self.database, clock, server=self.identity.id, prices=settings.prices
        )
        means = self._means(clock, embedders)
        self.tools = means.tools
        self.engine = Engine(
            means,
            self._ingest(clock, parser or Parser(), embedders),
            self._webhooks(clock),
            max_concurrent_runs=settings.max_concurrent_runs,
            event_retention_days=settings.event_retention_days,
            trace_retention_days=settings.trace_retention_days,
            server=self.identity,
            sessions=lambda: self.sessions.owners,
            end_session=self.sessions.end,
            works=settings.role != "api",
        )
        self.keys = KnownKeys(self.database, self.bus, clock, settings)
        self.page_files = PageFiles()
        self.pages = self._pages(clock)
        self.metrics_asgi = MetricsApplication(self.pages, settings)
        self.application = Application(
            Services(
                self.database,
                self.bus,
                self.blobs,
                self.provider,
                clock,
                settings,
                embedders,
                HeldBytes(settings.max_held_bytes),
                Decoding(settings.max_json_members),
                Queue(self.database, clock, most=settings.max_queued_runs),
                self.keys,
                self.limiter,
                RequestRemaker(self.database, self.blobs, self.tools),
                ServerState(
                    self.identity,
                    runs_in_hand=lambda: len(self.engine.worker.in_hand),
                    windows=partial(self._learnt_windows, means.windows),
                ),
                SignIns(
                    self.database,
                    self.keys,
                    clock,
                    lifetime=int(settings.dashboard_session_hours * 3600),
                ),
                self.page_files,
            ),
            self.pages,
            self.metrics,
        )
        self.asgi = with_cors(settings.cors_origins, self.application)
        self._draining: asyncio.Task[None] | None = None
        self.had_last_request = asyncio.Event()
        """Not set from the moment in which a server is told to stop to its last request."""
        self.had_last_request.set()
        self._listing: asyncio.Task[None] | None = None
        self._noting: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Opens database and blob store and starts the engine. Raises `ConfigurationError`."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        await self.database.open()
        try:
            await self._require_alone()
            await self._require_key()
            self.limiter.open(self.bus)
        except ConfigurationError:
            await self.database.close()
            raise
        if isinstance(self.bus, SharedBus):
            await self.bus.start(self.engine.facts)
        try:
            await self.blobs.open()
        except ConfigurationError:
            await self._disconnect()
            raise
        try:
            await self.engine.start()
        except Unavailable as error:
            await self.blobs.close()
            await self._disconnect()
            cause = str(error.__cause__ or "").split("\n")[0]
            reason = f" ({cause})" if cause else ""
            raise ConfigurationError(f"The server cannot start: {error.message}{reason}") from error
        self._noting = asyncio.create_task(
            loop("keys", self.keys.write_uses, every=_USES_SECONDS), name="keys"
        )
        if self.settings.default_model:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LISTING_SECONDS):
                    await self.provider.refresh()
            refreshing = loop("models", self.provider.refresh, every=_LISTING_SECONDS)
            self._listing = asyncio.create_task(refreshing, name="models")

    async def _require_alone(self) -> None:
        """Raises `ConfigurationError` where contents are to be kept in a folder, and another server
        works on the database: it could not read them.
        """
        membership = self.engine.membership
        if self.settings.contents != "folder" or membership is None:
            return
        # Of two that start at once, each sees the other.
        await membership.step()
        other = await membership.find_other()
        if other is not None:
            await membership.leave()
            raise ConfigurationError(
                f"contents is folder, and another server, at {other}, works on this database: it "
                "could not read what is kept in this folder. Leave contents at auto, or stop the "
                "other server."
            )

    async def _require_key(self) -> None:
        """Reads the API keys, and the schema as it is now. Raises `ConfigurationError` where there
        is no key, and other machines can reach the server.
        """
        try:
            await self.keys.open()
            await self.readiness.open()
        except Unavailable as error:
            raise ConfigurationError(f"The server cannot start: {error.message}") from error
        if not (self.keys.total or is_loopback(self.settings.host)):
            raise ConfigurationError(
                "Perdure refuses to start without API keys on "
                f"{self.settings.host or 'every address'}, which other machines can reach: set "
                "api_keys or admin_key, make a key with perdure keys create, or listen on "
                "127.0.0.1."
            )

    def drain(self) -> None:
        """Starts the graceful end. No new runs are claimed; those in hand finish or are released,
        and streams of runs that other servers work on may end. Then those that are still open are
        closed.
        """
        if self._draining is None:
            in_hand = len(self.engine.worker.in_hand)
            _log.info("draining", runs=in_hand, seconds=self.settings.drain_seconds)
            self._draining = asyncio.create_task(self._drain(), name="drain")

    async def close(self) -> None:
        """Drains, then closes everything."""
        for looping in (self._listing, self._noting):
            if looping is not None:
                looping.cancel()
        self.drain()
        if self._draining is not None:
            await self._draining
        for tool in self.tools:
            await tool.close()
        await self.labels.close()
        await self.provider.close()
        if self.embedding is not None:
            await self.embedding.close()
        await self.blobs.close()
        with suppress(Unavailable):
            await self.keys.close()
        self.limiter.close()
        await self._disconnect()
        await self.telemetry.close()

    async def _disconnect(self) -> None:
        """Lets go of the other servers and of the database."""
        if isinstance(self.bus, SharedBus):
            await self.bus.stop()
        await self.database.close()

    def _means(self, clock: Clock, embedders: Mapping[str, EmbeddingModel]) -> Means:
        windows = Windows(
            self.provider.window,
            ask=self.provider.told_window,
            unknown=self.settings.max_context_tokens,
        )
        self.sessions = sandboxes.sessions(self.settings, clock=clock)
        services = ToolServices(
            self.database,
            self.bus,
            clock,
            self.blobs,
            embedders,
            self.sessions,
            self.settings,
            windows.of,
            lambda: self.engine.note_sessions(),
        )
        return Means(
            self.database,
            self.bus,
            self.provider,
            clock,
            self.blobs,
            self.settings.lease_seconds,
            windows,
            tools.connect(services),
            self.settings.max_tool_rounds,
            ThinkingRules(
                self.settings.thinking,
                origin=self.provider.origin,
                names=self.provider.names,
                lessons=LearntStyles(),
            ),
            limiter=self.limiter,
            traced_as=self.identity.address if self.settings.trace_retention_days else None,
            reports=RunReports(
                self.metrics,
                label=self.labels.of,
                address=self.identity.address,
                clock=clock,
                telemetry=self.telemetry,
            ),
        )

    def _pages(self, clock: Clock) -> OperatorPages:
        self.readiness = ReadinessCheck(
            self.database, self.blobs, clock, is_draining=lambda: self._draining is not None
        )
        gauges: dict[Metric, Callable[[], float]] = {
            RUNS_IN_HAND: lambda: len(self.engine.worker.in_hand),
            CODE_SESSIONS: lambda: len(self.sessions.owners),
        }
        exposition = Exposition(self.metrics, self.database, clock, gauges)
        return OperatorPages(self.readiness, exposition)

    def _ingest(
        self, clock: Clock, parser: Parser, embedders: Mapping[str, EmbeddingModel]
    ) -> Ingest:
        folder = self.settings.data_dir / "tmp"
        return Ingest(
            self.database,
            self.bus,
            clock,
            FileReader(self.database, self.blobs, parser, embedders, folder=folder),
            lease_seconds=self.settings.lease_seconds,
            at_once=self.settings.max_concurrent_files,
            embedding=self.embedding.name if self.embedding else None,
            owner=self.identity.id,
            metrics=self.metrics,
        )

    def _webhooks(self, clock: Clock) -> Webhooks:
        known = [
            Webhook(
                webhook.name,
                webhook.project or DEFAULT_PROJECT,
                webhook.url,
                webhook.key,
                webhook.events,
            )
            for webhook in self.settings.webhooks
        ]
        private = self.settings.webhook_private_targets
        sender = webhooks.connect(private_targets=private) if known else None
        return Webhooks(known, sender, database=self.database, clock=clock, metrics=self.metrics)

    def _learnt_windows(self, windows: Windows) -> list[ModelWindow]:
        return [
            ModelWindow(
                model=model,
                tokens=tokens,
                source="refused" if is_refused else "told",
                server_id=self.identity.id,
            )
            for model, (tokens, is_refused) in windows.learnt().items()
        ]

    async def _drain(self) -> None:
        loop, seconds = asyncio.get_running_loop(), self.settings.drain_seconds
        latest = loop.time() + seconds
        await self.engine.drain(seconds)
        if isinstance(self.bus, SharedBus) and self.bus.peers:
            # Clients here listen to runs that other servers work on.
            with suppress(TimeoutError):
                async with asyncio.timeout_at(latest):
                    await self.had_last_request.wait()
                    await self.bus.wait_for_streams()
        self.bus.close(_CLOSING)


def _shared_bus(url: str, server: str) -> SharedBus:
    return SharedBus(storage.connect_link(url, server=server), server=server)


def provider_of(settings: Settings, clock: Clock, memory: AdjustmentMemory | None = None) -> Router:
    """Returns all model servers as one provider. Raises `ConfigurationError`."""
    return model_servers.connect(
        [
            ModelServerSettings(
                name=server.name,
                base_url=server.base_url,
                api_key=server.key.get_secret_value() if server.key else None,
                models=server.models,
                window=server.context_window,
                kind=server.kind,
            )
            for server in settings.servers
        ],
        settings.model_aliases,
        windows=settings.context_windows,
        default=settings.default_model,
        idle_seconds=settings.model_idle_seconds,
        patience=Patience(settings.model_patience_seconds, clock),
        memory=memory,
    )


def _embedding(settings: Settings) -> EmbeddingModel | None:
    """Returns the embedding model; None where files are searched by words alone."""
    if settings.embedding_base_url is None or settings.embedding_model is None:
        return None
    key = settings.embedding_api_key
    return model_servers.connect_embeddings(
        settings.embedding_base_url,
        model=settings.embedding_model,
        dimensions=settings.embedding_dimensions,
        api_key=key.get_secret_value() if key else None,
    )


def blob_stores_of(settings: Settings, metrics: Metrics | None = None) -> BlobStores:
    """Returns the blob stores that the settings ask for, not yet open."""
    return storage.connect_blobs(
        bucket_of(settings),
        settings.data_dir,
        url=settings.database_url.get_secret_value() if settings.database_url else None,
        contents=None if settings.contents == "auto" else settings.contents,
        metrics=metrics,
    )


def bucket_of(settings: Settings) -> S3Settings | None:
    """Returns the bucket for contents; None without one."""
    if settings.blob_url is None:
        return None
    key, secret = settings.blob_access_key_id, settings.blob_secret_access_key
    return S3Settings(
        settings.blob_url,
        settings.blob_endpoint,
        settings.blob_region,
        key.get_secret_value() if key else None,
        secret.get_secret_value() if secret else None,
    )
