"""Answers to the programs that watch a server: that it lives, that it can be given work, its
metrics. They are on the port of the API, and on a port of their own.
"""

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from perdure.api import access
from perdure.api.exposition import CONTENT_TYPE, Exposition
from perdure.api.http import refuse, respond
from perdure.api.readiness import ReadinessCheck
from perdure.errors import APIError, NotFound
from perdure.settings import Settings
from perdure.wire.base import encode

METRICS = "/metrics"


class OperatorPages:
    """Answers for one server."""

    def __init__(self, readiness: ReadinessCheck, exposition: Exposition) -> None:
        self.readiness = readiness
        self.exposition = exposition

    async def answer(self, path: str) -> Response | None:
        """Returns the answer to a request that anybody may send; None for another path."""
        if path == "/health":
            return respond('{"status":"ok"}')
        if path == "/ready":
            found = await self.readiness.check()
            response = respond(
                encode(
                    {"status": "ready" if found.is_ready else "not_ready", "parts": found.parts}
                ).decode()
            )
            response.status_code = 200 if found.is_ready else 503
            return response
        return None

    async def metrics(self) -> Response:
        """Returns the metrics."""
        return Response(await self.exposition.text(), headers={"content-type": CONTENT_TYPE})


class MetricsApplication:
    """The ASGI application of the port `metrics_port`: it needs no key and answers nothing else."""

    def __init__(self, pages: OperatorPages, settings: Settings) -> None:
        self._pages = pages
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"no {scope['type']} here")
        try:
            response = await self._answer(scope)
        except APIError as error:
            response = refuse(error)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        settings, path = self._settings, scope["path"]
        access.check_host(Headers(scope=scope), settings, listens_on=settings.metrics_host)
        if scope["method"] not in ("GET", "HEAD"):
            raise NotFound(f"Invalid URL ({scope['method']} {path})")
        found = await self._pages.metrics() if path == METRICS else await self._pages.answer(path)
        if found is None:
            raise NotFound(f"Invalid URL ({scope['method']} {path})")
        return found
