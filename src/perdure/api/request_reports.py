"""Reports of requests: figures, and the access log where the setting asks for one.

A route goes by its template, so that no id is in a figure. The access log has the ids that the path
names, as far as they look like ids of ours; never a query, a body or a key.
"""

import re

import structlog
from starlette.types import Scope

from perdure.api.routes import ROUTES, TEMPLATE
from perdure.metrics import HTTP_REQUESTS, HTTP_SECONDS, OTHER, Metrics

_log = structlog.get_logger(__name__)

_METHODS = frozenset(method for method, _, _ in ROUTES)
_ID = re.compile(r"[a-z]+(_[a-z]+)?_[A-Za-z0-9]{1,64}")
_OWN = ("/health", "/ready", "/metrics")


class RequestReports:
    """Reports the requests of one server."""

    def __init__(self, metrics: Metrics, *, access_log: bool) -> None:
        self._metrics = metrics
        self._access_log = access_log

    def begin(self, scope: Scope, status: int, seconds: float) -> None:
        """Reports that the answer begins, so many seconds after the request."""
        route = _route(scope)
        method = scope["method"] if scope["method"] in _METHODS else OTHER
        code = str(status) if 100 <= status <= 599 else OTHER
        self._metrics.count(HTTP_REQUESTS, method, route, code)
        self._metrics.observe(HTTP_SECONDS, seconds, route)

    def end(self, scope: Scope, request_id: str, status: int | None, seconds: float) -> None:
        """Reports that the answer has ended; without a status, the client went before it began."""
        if not self._access_log:
            return
        named = {
            name: value
            for name, value in scope.get("path_params", {}).items()
            if name.endswith("_id") and _ID.fullmatch(str(value))
        }
        _log.info(
            "request_answered",
            method=scope["method"] if scope["method"] in _METHODS else OTHER,
            route=_route(scope),
            status=status,
            seconds=round(seconds, 3),
            request_id=request_id,
            **named,
        )


def _route(scope: Scope) -> str:
    if scope["path"] in _OWN:
        return str(scope["path"])
    return str(scope.get(TEMPLATE, OTHER))
