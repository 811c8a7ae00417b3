"""Checks of who may send a request: host, API key, project, beta header (spec 02 §1, 05 §3.1)."""

import re
from collections.abc import Mapping
from dataclasses import replace

from starlette.datastructures import Headers

from perdure.api.browsers import PAGE_HEADER
from perdure.api.callers import DEFAULT_CALLER, Caller
from perdure.api.known_keys import KnownKeys
from perdure.api.sign_ins import SignIns
from perdure.errors import BadRequest, Forbidden, NotFound, Unauthorized
from perdure.settings import Settings, is_loopback

_BETA = "assistants=v2"
# A name, an address, or an IPv6 address in brackets; then perhaps a port. Nothing else is a host.
_HOST = re.compile(r"([\w.-]+|\[[\da-f:.]*:[\da-f:.]*\])(?::\d+)?", re.ASCII | re.IGNORECASE)
_HINT = f"Please try again by setting the header 'OpenAI-Beta: {_BETA}'."


def check_host(headers: Headers, settings: Settings, *, listens_on: str | None = None) -> None:
    """Refuses a loopback server's requests that were sent to another name.

    A web page that makes its own name resolve to 127.0.0.1 would otherwise speak to us through
    its visitor's browser. `listens_on` is the address, by default that of the API. Raises
    `Forbidden`.
    """
    if not is_loopback(listens_on or settings.host):
        return
    given = headers.getlist("host")
    match = _HOST.fullmatch(given[0]) if len(given) == 1 else None
    if match is None:
        raise Forbidden(f"Requests to the host '{', '.join(given)}' are refused: it is none.")
    host = match[1].lower()
    if not (is_loopback(host) or host in map(str.lower, settings.allowed_hosts)):
        raise Forbidden(
            f"Requests to the host name '{host}' are refused. Add it to allowed_hosts to serve it."
        )


async def identify(headers: Headers, keys: KnownKeys, sign_ins: SignIns) -> Caller:
    """Returns the caller with the request's API key. Where keys are not required, any other will do
    too, and is one of the first project. An admin key is of the first project, unless the request
    names another. A request of the dashboard's page without a key has that of its session.

    Azure clients send it as `api-key`. Raises `Unauthorized`.
    """
    secret = _given(headers)
    if not secret:
        signed_in = await sign_ins.find(headers)
        if signed_in is None:
            raise _missing(headers)
        return signed_in
    await keys.refresh()
    known = keys.find(secret)
    if known is not None:
        return known.caller
    if keys.are_required:
        raise _wrong(secret)
    return DEFAULT_CALLER


def require_admin(headers: Headers, caller: Caller) -> None:
    """Requires an admin key, wherever the request comes from. Raises `Forbidden` for a key of a
    project, `Unauthorized` for any other.
    """
    if caller.is_admin:
        return
    if not caller.is_known:
        raise _wrong(_given(headers))
    raise Forbidden(
        "This operation needs an admin key: an API key of a project cannot administer the server.",
        code="insufficient_permissions",
    )


def choose_project(
    headers: Mapping[str, str], caller: Caller, mount: str | None, keys: KnownKeys
) -> Caller:
    """Returns the caller in the project that the request names: by the header `OpenAI-Project`, or
    by the name in the path of Azure's clients (`mount`), where it is its id or its name.

    A key of a project cannot leave it. Where there is no project besides the first one, any name
    will do. Raises `Unauthorized` for a wrong header, `NotFound` for a wrong path.
    """
    header = headers.get("openai-project")
    chosen = _named(caller, header, keys) if header else caller
    if chosen is None:
        raise Unauthorized(
            f"The header OpenAI-Project names '{header}', which is not a project of this API key.",
            code="mismatched_project",
        )
    found = _named(caller, mount, keys) if mount else chosen
    # Where the header has chosen, the path must say the same.
    if found is None or (header and found != chosen):
        raise NotFound(f"No project found with name '{mount}'.", code="project_not_found")
    return found


def _named(caller: Caller, text: str, keys: KnownKeys) -> Caller | None:
    """Returns the caller in the project of this id or name; None if that is not for its key."""
    if not keys.has_projects:
        return caller
    project = keys.named_project(text)
    if project is None or not (caller.is_admin or project.id == caller.project):
        return None
    return replace(caller, project=project.id)


def _given(headers: Headers) -> str:
    """Returns the request's API key; nothing where there is none."""
    key = headers.get("api-key", "")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        key = token.strip() or key
    return key


def _missing(headers: Headers) -> Unauthorized:
    if PAGE_HEADER in headers:
        return Unauthorized("You are not signed in, or not any more.", code="not_signed_in")
    return Unauthorized(
        "You didn't provide an API key. You need to provide your API key in an Authorization "
        "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
    )


def _wrong(secret: str) -> Unauthorized:
    return Unauthorized(
        f"Incorrect API key provided: {_masked(secret)}. The keys of this server are set by "
        "api_keys, or made with perdure keys.",
        code="invalid_api_key",
    )


def check_beta(headers: Mapping[str, str]) -> None:
    """Requires the beta header, which may be a list that holds v2. Raises `BadRequest`."""
    members = [member.strip() for member in headers.get("openai-beta", "").split(",")]
    members = [member for member in members if member]
    if _BETA in members:
        return
    if not members:
        message = f"You must provide the 'OpenAI-Beta' header to access the Assistants API. {_HINT}"
    elif "assistants=v1" in members:
        message = f"The v1 Assistants API has been deprecated. {_HINT}"
    else:
        message = f"Unknown beta requested: '{members[0]}'."
    raise BadRequest(message, code="invalid_beta")


def _masked(key: str) -> str:
    return f"{key[:3]}***{key[-4:]}" if len(key) > 12 else "***"
