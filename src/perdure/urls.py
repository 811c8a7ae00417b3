"""Checks and display of URLs that may hold a password."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

# A host, or an IPv6 address in brackets, and perhaps a port.
_HOST = re.compile(r"(?:\[[^][]*\]|[^][:]*)(?::(\d{0,5}))?", re.ASCII)
_MOST_PORT = 65535
_HALF_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})")
_WRONG = (
    "it cannot be read as a URL; in a password, special characters must be percent-encoded, such "
    "as %40 for @"
)


def split(url: str) -> SplitResult:
    """Returns the parts of a URL; behind its user there may be several hosts, separated by commas.

    Raises `ValueError` for text that programs would read differently: then a part of a password
    could be taken for a host or a port. The message holds nothing of the URL.
    """
    try:
        parts = urlsplit(url)
        decoded = unquote(url, errors="strict")
    except ValueError:
        raise ValueError(_WRONG) from None
    hosts = [_HOST.fullmatch(host) for host in parts.netloc.rpartition("@")[2].split(",")]
    if (
        not decoded.isprintable()
        or " " in url
        or _HALF_ENCODED.search(url)
        or url.count("@") > parts.netloc.count("@")
        or parts.netloc.count("@") > 1
        or None in hosts
    ):
        raise ValueError(_WRONG)
    if any(host and int(host[1] or 0) > _MOST_PORT for host in hosts):
        raise ValueError(f"port out of range 0-{_MOST_PORT}")
    return parts


def without_password(url: str) -> str:
    """Returns a URL as it may be printed: no password, no options, which may hold one, and no user
    but that of a database, since elsewhere it may be a token.
    """
    try:
        parts = split(url)
    except ValueError:
        return "a URL that cannot be read"
    user, at, hosts = parts.netloc.rpartition("@")
    shown = f"{user.partition(':')[0]}{at}" if parts.scheme.startswith("postgres") else ""
    return f"{parts.scheme}://{shown}{hosts}{parts.path}"


def without_login(url: str) -> str:
    """Returns the base URL of a server as messages and tables show it: without user, password and
    last slash.
    """
    return re.sub(r"//[^/]*@", "//", url.rstrip("/"))
