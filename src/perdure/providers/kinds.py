"""What program a model server is, and what is known of it before it refuses anything.

A kind is set, or told by a well-known host name, or guessed by a look at the paths that only that
program has. That look goes to private addresses alone, and carries no key.
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
    "mistral": frozenset({adjustments.SHORT_IDS, adjustments.LAST_TURN}),
    "deepseek": frozenset({adjustments.TURNS}),
    "openai": frozenset({adjustments.OTHER_CAP}),
}


class _Look(NamedTuple):
    """A path of one kind, and whether what is found there is its."""

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
    """The kind of a server that everybody knows by its name."""
    return _HOSTS.get(urlsplit(url).hostname or "")


async def guess(http: aiohttp.ClientSession, origin: str) -> Kind | None:
    """The kind of the server at an origin (without a password), where its address is private."""
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
    """Whether all addresses of the host are of this machine or its network."""
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
