"""The ASGI application. It is the one boundary where errors become envelopes."""

import re
import time
from collections.abc import Collection

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perdure import ids
from perdure.api import access, dashboard
from perdure.api.bodies import RequestBytes
from perdure.api.http import ApiCall, Services, refuse, respond
from perdure.api.live_response import LiveResponse
from perdure.api.operator_pages import METRICS, OperatorPages
from perdure.api.request_reports import RequestReports
from perdure.api.routes import find, is_public
from perdure.errors import APIError, Internal, NotFound
from perdure.metrics import STREAMS, Metrics

_log = structlog.get_logger(__name__)

# What pages may see of an answer besides its body.
_EXPOSED = (
    *("content-disposition", "openai-poll-after-ms", "openai-processing-ms", "openai-version"),
    *("retry-after", "x-request-id"),
)
_VERSION = "2020-10-01"  # what the live service sent (spec 02 §2)
# What Azure's clients call a request; it is sent back to them (spec 09 §2).
_AZURE_ID = "x-ms-client-request-id"
_PLAIN_ID = re.compile(r"[\w.-]{1,128}", re.ASCII)


def refusal(error: APIError) -> Response:
    """Returns the response to a request that never reaches the application, since its head is
    broken, too large or too late.
    """
    response = refuse(error)
    _add_headers(response.headers, ids.new_request_id(), time.perf_counter())
    return response


def with_cors(origins: Collection[str], app: ASGIApp) -> ASGIApp:
    """Returns the application with CORS headers for web pages of these origins; without origins,
    the application itself.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=_EXPOSED,
    )


def _add_headers(headers: MutableHeaders, request_id: str, began: float) -> None:
    """Adds the headers that every response has."""
    headers["x-request-id"] = request_id
    headers["openai-version"] = _VERSION
    headers["openai-processing-ms"] = str(int((time.perf_counter() - began) * 1000))
    headers["x-content-type-options"] = "nosniff"
    if headers.get("content-type", "").startswith("text/event-stream"):
        # So that nothing in between keeps a stream, or waits for more of it.
        headers["cache-control"] = "no-store"
        headers["x-accel-buffering"] = "no"


class Application:
    """Answers every request, also after an error."""

    def __init__(self, services: Services, pages: OperatorPages, metrics: Metrics) -> None:
        self._services = services
        self._pages = pages
        self._metrics = metrics
        self._reports = RequestReports(metrics, access_log=services.settings.access_log)
        self.state = services.state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"no {scope['type']} here")
        began = time.perf_counter()
        request_id = ids.new_request_id()
        azure_id = Headers(scope=scope).get(_AZURE_ID, "")
        status: int | None = None

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                nonlocal status
                status = message["status"]
                self._reports.begin(scope, status, time.perf_counter() - began)
                headers = MutableHeaders(raw=message["headers"])
                _add_headers(headers, request_id, began)
                if _PLAIN_ID.fullmatch(azure_id):
                    headers[_AZURE_ID] = azure_id
            await send(message)

        try:
            response = await self._answer(scope, receive, request_id)
            is_stream = isinstance(response, LiveResponse)
            if is_stream:
                self._metrics.count(STREAMS)
            try:
                await response(scope, receive, send_with_headers)
            finally:
                if is_stream:
                    self._metrics.count(STREAMS, by=-1)
        except ClientDisconnect:
            return
        finally:
            self._reports.end(scope, request_id, status, time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, request_id: str) -> Response:
        try:
            with RequestBytes(self._services.held) as hold:
                return await self._handle(ApiCall(scope, receive, self._services, hold))
        except APIError as error:
            return refuse(error)
        except ClientDisconnect:
            raise
        except Exception:
            _log.exception("request_broke", request_id=request_id, path=scope["path"])
            return refuse(
                Internal(
                    "The server had an error processing your request. Sorry about that! You can "
                    "retry your request. (Please include the request ID "
                    f"{request_id} when you report it.)"
                )
            )

    async def _may_scrape(self, call: ApiCall) -> bool:
        """Returns True if an admin asks; False where there are no admins, so that the path does not
        exist. Raises `Unauthorized` and `Forbidden`.
        """
        keys, headers = self._services.keys, call.request.headers
        await keys.refresh()
        if not keys.have_admins:
            return False
        caller = await access.identify(headers, keys, self._services.sign_ins)
        access.require_admin(headers, caller)
        return True

    async def _handle(self, call: ApiCall) -> Response:
        headers, scope = call.request.headers, call.request.scope
        access.check_host(headers, self._services.settings)
        if page := await self._pages.answer(scope["path"]):
            return page
        if scope["path"] == METRICS and await self._may_scrape(call):
            return await self._pages.metrics()
        self_report = self._services.state.self_report
        if self_report and self_report.is_asked(scope["path"], headers):
            return respond((await self_report.make()).decode())
        if self._services.settings.role == "worker":
            raise NotFound("This server works on runs. Ask one with the role api or all.")
        if is_public(scope["path"]):
            return respond(await find(scope).handler(call))
        if self._services.settings.dashboard and dashboard.is_asked(scope["path"], headers):
            return await dashboard.answer(call)
        keys = self._services.keys
        call.caller = await access.identify(headers, keys, self._services.sign_ins)
        route = find(scope)
        if route.is_admins:
            access.require_admin(headers, call.caller)
        else:
            call.caller = access.choose_project(headers, call.caller, route.project, keys)
        if route.beta:
            access.check_beta(headers)
        if route.needs_space:
            await self._services.database.require_space()
        return respond(await route.handler(call))
