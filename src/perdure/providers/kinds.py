"""Kinds of model servers, such as Ollama or vLLM, and the adjustments known for each.

A kind is configured, or given by a well-known host name, or guessed by probing paths that only that
program has. Only private addresses are probed, and no key is sent.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec

from perdure.providers import adjustments
from perdure.settings.models import Kind

_TIMEOUT = aiohttp.ClientTimeout(total=2.0)
_MOST_BYTES = 256 * 1024
_HOSTS: Mapping[str, Kind] = {
    "api.openai.com": "openai",
    "api.mistral.ai": "mistral",
    "api.deepseek.com": "deepseek",
    "generativelanguage.googleapis.com": "gemini",
}

# The names of the adjustments that each kind is known to need.
KNOWN: Mapping[Kind, frozenset[str]] = {
    "lmstudio": frozenset({adjustments.CHOICE_IN_A_WORD}),
    "mistral": frozenset({adjustments.SHORT_IDS, adjustments.USER_LAST}),
    "deepseek": frozenset({adjustments.ALTERNATE_ROLES}),
    "openai": frozenset({adjustments.OTHER_CAP}),
}


class _Look(NamedTuple):
    """A path of one kind, and a test of the JSON that is found there."""

    kind: Kind
    path: str
    is_it: Callable[[Any], bool]


_LOOKS = (
    _Look("ollama", "/api/version", lambda found: isinstance(found.get("version"), str)),
    _Look("llamacpp", "/props", lambda found: "default_generation_settings" in found),
    _Look("lmstudio", "/api/v0/models", lambda found: "compatibility_type" in found["data"][0]),
    _Look("vllm", "/version", lambda found: isinstance(found.get("version"), str)),
)


def of_host(url: str) -> Kind | None:
    """Returns the kind of a server with a well-known host name."""
    return _HOSTS.get(urlsplit(url).hostname or "")


async def guess(http: aiohttp.ClientSession, origin: str) -> Kind | None:
    """Returns the kind of a server if its address is private; `origin` has no password."""
    if not await _is_private(origin):
        return None
    found = await asyncio.gather(*(_finds(http, origin, look) for look in _LOOKS))
    return next((look.kind for look, is_it in zip(_LOOKS, found, strict=True) if is_it), None)


async def _finds(http: aiohttp.ClientSession, origin: str, look: _Look) -> bool:
    try:
        url = f"{origin}{look.path}"
        async with http.get(url, timeout=_TIMEOUT, allow_redirects=False) as response:
            if response.status != 200:
                return False
            return look.is_it(msgspec.json.decode(await response.content.read(_MOST_BYTES)))
    except (aiohttp.ClientError, TimeoutError):
        return False
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    except (AttributeError, LookupError, TypeError):
        return False  # something else stands there


async def _is_private(origin: str) -> bool:
    """Returns true if all addresses of the host are of this machine or its network."""
    parts = urlsplit(origin)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            parts.hostname, port, type=socket.SOCK_STREAM
        )
    except OSError:
        return False
    addresses = [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    return bool(addresses) and all(each.is_private or each.is_loopback for each in addresses)
