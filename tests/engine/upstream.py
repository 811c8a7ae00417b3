"""The stage with a real model server: what it receives is what a run is worth."""

from perdure import model_servers
from perdure.engine.windows import Windows
from perdure.model_servers import ModelServerSettings
from perdure.providers.adjustment_memory import AdjustmentMemory
from perdure.providers.patience import Patience
from perdure.providers.router import Router
from perdure.settings.models import ThinkingSettings
from perdure.wire.runs import Run
from tests.engine.stage import Stage, rules
from tests.model_servers.fixture import ModelServer
from tests.patience import PATIENCE_SECONDS

KEY = "sk-secret-0123456789"


class Upstream:
    """Runs on models of the model server; the model's name says what it does."""

    def __init__(self, stage: Stage, server: ModelServer) -> None:
        self.stage = stage
        self.server = server
        self.use()

    def use(
        self,
        *,
        base_url: str | None = None,
        idle_seconds: float = 10 * PATIENCE_SECONDS,
        windows: dict[str, int] | None = None,
        unknown: int = 256_000,
        thinking: dict[str, ThinkingSettings] | None = None,
        patience: Patience | None = None,
        memory: AdjustmentMemory | None = None,
    ) -> None:
        """Makes a provider with these settings the one that is called."""
        url = base_url or self.server.base_url
        provider = model_servers.connect(
            [ModelServerSettings("tests", url, KEY)],
            {},
            windows=windows,
            idle_seconds=idle_seconds,
            patience=patience,
            memory=memory,
        )
        self.call(provider, thinking=thinking, unknown=unknown)

    def call(
        self,
        provider: Router,
        *,
        thinking: dict[str, ThinkingSettings] | None = None,
        unknown: int = 256_000,
    ) -> None:
        """Makes this provider the one that is called, and asked for windows."""
        self.provider = provider
        self.stage.means = self.stage.means._replace(
            provider=provider, thinking=rules(thinking or {}, provider)
        )
        self.stage.use(windows=Windows(provider.window, ask=provider.told_window, unknown=unknown))

    async def begin(self, model: str, *texts: str, **fields: object) -> Run:
        """A queued run on a thread with these messages of the user."""
        assistant = await self.stage.acts.assistant()
        thread = await self.stage.acts.thread(*(texts or ("Hello",)))
        return await self.stage.acts.run(thread.id, assistant.id, model=model, **fields)

    async def run(self, model: str, *texts: str, **fields: object) -> Run:
        """The same, brought to its next rest."""
        return await self.stage.execute(await self.begin(model, *texts, **fields))

    def sent(self) -> list[list[str]]:
        """The texts of the messages of each request that arrived."""
        return [[message["content"] for message in body["messages"]] for body in self.bodies()]  # type: ignore[attr-defined]

    def bodies(self) -> list[dict[str, object]]:
        return self.server.bodies()

    async def close(self) -> None:
        await self.provider.close()
