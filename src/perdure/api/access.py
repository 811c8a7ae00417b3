"""Checks of who may send a request: host, API key, beta header (spec 02 §1, 05 §3.1)."""

import hmac
import re
from collections.abc import Mapping

from starlette.datastructures import Headers

from perdure.errors import BadRequest, Forbidden, Unauthorized
from perdure.settings import Settings, is_loopback

_BETA = "assistants=v2"
# A name, an address, or an IPv6 address in brackets; then perhaps a port. Nothing else is a host.
_HOST = re.compile(r"([\w.-]+|\[[\da-f:.]*:[\da-f:.]*\])(?::\d+)?", re.ASCII | re.IGNORECASE)
_HINT = f"Please try again by setting the header 'OpenAI-Beta: {_BETA}'."


def check_host(headers: Headers, settings: Settings) -> None:
    """Refuses a loopback server's requests that were sent to another name.

    A web page that makes its own name resolve to 127.0.0.1 would otherwise speak to us through
    its visitor's browser. Raises `Forbidden`.
    """
    if not is_loopback(settings.host):
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


def check_key(headers: Mapping[str, str], settings: Settings) -> None:
    """Requires an API key; any key is good where none are configured.

    Azure clients send it as `api-key`. Raises `Unauthorized`.
    """
    key = headers.get("api-key", "")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        key = token.strip() or key
    if not key:
        raise Unauthorized(
            "You didn't provide an API key. You need to provide your API key in an Authorization "
            "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
        )
    known = [secret.get_secret_value().encode() for secret in settings.api_keys]
    # each is compared, so that the time taken does not depend on the key
    matches = [hmac.compare_digest(key.encode(), secret) for secret in known]
    if known and not any(matches):
        raise Unauthorized(
            f"Incorrect API key provided: {_masked(key)}. "
            "The keys of this server are set by api_keys.",
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
