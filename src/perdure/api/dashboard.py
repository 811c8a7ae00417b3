"""The dashboard over HTTP: the files of its page, and sign-in. Data comes from the API alone."""

import asyncio
import re
from typing import Literal

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response

import perdure
from perdure.api import permissions
from perdure.api.browsers import Connection, connection, is_of_page, may_sign_in, network_of
from perdure.api.http import ApiCall, respond
from perdure.api.sign_ins import COOKIE
from perdure.dashboard import INDEX, PageFile
from perdure.errors import Forbidden, MethodNotAllowed, NotFound
from perdure.wire.base import encode
from perdure.wire.dashboard import Capabilities, DashboardSession, SessionProject, SignIn

_ROOT, _BELOW, _SESSION = "/ui", "/ui/", "session"
_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; object-src 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}
_FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}
_CHECKED = {"cache-control": "no-cache"}
_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Perdure</title>
<h1>The dashboard is not built</h1>
<p>This installation of Perdure has no files of the dashboard; the API at <code>/v1</code> does not
need them. A wheel of Perdure has them. In a clone of the repository, <code>make ui</code> builds
them, which needs Node.js 20.19 or newer; then load this page again.</p>
<p><a href="../docs">The operations of the API</a></p>
</html>
"""
_ACCEPTS_GZIP = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:,|;\s*q=(?!0(?:\.0*)?\s*(?:,|$))|$)")


def is_asked(path: str, headers: Headers) -> bool:
    """Returns True if the path is one of the dashboard's; the root is for browsers."""
    if path == "/":
        return "text/html" in headers.get("accept", "")
    return path == _ROOT or path.startswith(_BELOW)


async def answer(call: ApiCall) -> Response:
    """Returns a file of the page, or who is signed in. Raises `NotFound`, `MethodNotAllowed`,
    `Unauthorized` and `Forbidden`.
    """
    path, method = call.request.scope["path"], call.request.method
    name = path.removeprefix(_BELOW)
    if path in ("/", _ROOT):
        # Relative: the server does not know the path of a proxy before it.
        return RedirectResponse("ui/", headers=_HEADERS)
    if name == _SESSION:
        if method == "GET":
            return await _retrieve(call)
        if method == "POST":
            return await _sign_in(call)
        if method == "DELETE":
            return await _sign_out(call)
    if method != "GET":
        raise MethodNotAllowed(f"Not allowed to {method} on {path}.", code="method_not_supported")
    found = await asyncio.to_thread(call.services.page_files.find, name or INDEX)
    if found is not None:
        return _file(found, call.request.headers)
    if name:
        raise NotFound(f"The dashboard has no file '{name}'.")
    return HTMLResponse(_NOT_BUILT, headers={**_HEADERS, **_CHECKED})


def _file(found: PageFile, headers: Headers) -> Response:
    content, sent = found.content, {**_HEADERS, "vary": "accept-encoding"}
    if found.gzipped is not None and _ACCEPTS_GZIP.search(headers.get("accept-encoding", "")):
        content = found.gzipped
        sent["content-encoding"] = "gzip"
    sent |= _FOR_EVER if found.is_named_by_hash else _CHECKED
    return Response(content, headers=sent, media_type=found.media_type)


async def _retrieve(call: ApiCall) -> Response:
    await call.services.keys.refresh()
    caller = await call.services.sign_ins.find(call.request.headers)
    if caller is not None:
        call.caller = caller
    return _session(call, signed_in=caller is not None)


async def _sign_in(call: ApiCall) -> Response:
    _require_page(call)
    came = _connection(call)
    if not may_sign_in(call.request.headers, came, host=call.services.settings.host):
        raise Forbidden(
            "An API key is not taken over plain HTTP from another machine. Set tls_cert and "
            "tls_key, or put a proxy with https before the server and name it in trusted_proxies.",
            code="https_required",
        )
    given = await call.body(SignIn)
    sign_ins = call.services.sign_ins
    secret, call.caller = await sign_ins.begin(given.api_key, address=network_of(came.client))
    answered = _session(call, signed_in=True)
    answered.set_cookie(
        COOKIE,
        secret,
        max_age=sign_ins.lifetime,
        secure=came.is_https,
        httponly=True,
        samesite="strict",
    )
    return answered


async def _sign_out(call: ApiCall) -> Response:
    _require_page(call)
    await call.services.sign_ins.end(call.request.headers)
    answered = Response(status_code=204, headers=_HEADERS)
    answered.delete_cookie(
        COOKIE, secure=_connection(call).is_https, httponly=True, samesite="strict"
    )
    return answered


def _require_page(call: ApiCall) -> None:
    if not is_of_page(call.request.headers):
        raise Forbidden(
            "This is for the dashboard's own page: the request must come from the same origin, "
            "and say so.",
            code="not_same_origin",
        )


def _connection(call: ApiCall) -> Connection:
    scope = call.request.scope
    return connection(
        call.request.headers,
        peer=scope["client"][0] if scope.get("client") else None,
        scheme=scope["scheme"],
        trusted=call.services.settings.trusted_proxies,
    )


def _session(call: ApiCall, *, signed_in: bool) -> Response:
    keys, caller = call.services.keys, call.caller
    sign_in: Literal["none", "key", "https_required"] = "key"
    if not (keys.total or keys.are_required):
        sign_in = "none"
    elif not may_sign_in(call.request.headers, _connection(call), host=call.services.settings.host):
        sign_in = "https_required"
    shows = signed_in or sign_in == "none"
    project = keys.active_project(caller.project) if shows else None
    chosen = keys.active_projects() if caller.is_admin else []
    session = DashboardSession(
        sign_in=sign_in,
        signed_in=signed_in,
        is_admin=caller.is_admin,
        project=SessionProject(project.id, project.name) if project else None,
        projects=[SessionProject(each.id, each.name) for each in chosen],
        capabilities=Capabilities(
            list_threads=shows and permissions.may_list(call),
            operator=shows and permissions.is_operator(call),
            admin=caller.is_admin,
        ),
        version=perdure.__version__,
    )
    return respond(encode(session).decode(), {**_HEADERS, "cache-control": "no-store"})
