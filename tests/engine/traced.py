"""Traces of the stage's runs, and a provider that keeps the bytes that it would send."""

from collections.abc import AsyncGenerator, Collection

from perdure import tools
from perdure.commands import trace_views
from perdure.commands.trace_views import ShownTrace
from perdure.engine.remaker import RequestRemaker
from perdure.providers import adjustments
from perdure.providers.call_log import CallLog
from perdure.providers.router import NamedProvider, Router
from perdure.sandbox.sessions import Sessions
from perdure.testing.scripted_model import ScriptedProvider
from perdure.testing.scripted_sandbox import ScriptedSandbox, obey
from perdure.wire.chat import ChatChunk, ChatRequest
from perdure.wire.runs import Run
from perdure.wire.traces import RemadeRequest, TracedCall
from tests.commands.acts import PROJECT
from tests.engine.stage import Stage

WHERE = "http://models.test/v1"


class RecordingProvider(ScriptedProvider):
    """Shapes requests for a server that needs these adjustments, and answers them by the script."""

    def __init__(self, known: Collection[str] = ()) -> None:
        self.known = known
        self.bodies: list[bytes] = []

    async def chat(
        self, request: ChatRequest, log: CallLog | None = None
    ) -> AsyncGenerator[ChatChunk, None]:
        body = adjustments.encoded(adjustments.sent_again(request, WHERE, self.known))
        assert log is not None
        log.note_server(WHERE, request.model, self.known)
        await log.note_body(body)
        self.bodies.append(body)
        async for chunk in super().chat(request):
            yield chunk


def record(stage: Stage, known: Collection[str] = ()) -> RecordingProvider:
    """Makes such a provider the one that is called, under an alias of each model."""
    provider = RecordingProvider(known)
    router = Router([NamedProvider("tests", provider, None, where=WHERE)], {"m": "big-model"})
    stage.means = stage.means._replace(provider=router)
    return provider


async def trace(stage: Stage, run: Run) -> ShownTrace:
    return await stage.database.read(
        trace_views.show, run.id, thread_id=run.thread_id, project=PROJECT
    )


async def calls(stage: Stage, run: Run) -> list[TracedCall]:
    entries = (await trace(stage, run)).trace.entries
    return [entry for entry in entries if isinstance(entry, TracedCall)]


async def remade(stage: Stage, run: Run) -> list[RemadeRequest]:
    """The requests of the run's calls, made again by a server that has worked on none of them."""
    sessions = Sessions(ScriptedSandbox(obey), clock=stage.clock, most=2, spare=0, idle_seconds=60)
    others = tools.connect(stage.services._replace(sessions=sessions))
    remaker = RequestRemaker(stage.database, stage.blobs, others)
    return [await remaker.remake(run, call, project=PROJECT) for call in await calls(stage, run)]
