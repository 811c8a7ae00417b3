"""Rules for requests of browsers: which ones the dashboard's own page has sent, and over what."""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from perdure.settings import is_loopback

# A page of another origin can send it only if the server allows that beforehand.
PAGE_HEADER = "perdure-dashboard"
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto")

Networks = Collection[IPv4Network | IPv6Network]


class Connection(NamedTuple):
    """The way a request came: the address of the client, and whether it came over https."""

    client: str
    is_https: bool


def is_of_page(headers: Headers) -> bool:
    """Returns True if a request comes from the dashboard's page, so that its cookie counts.

    It has the page's header, and the browser says that it comes from the same origin. Another port
    of this machine is another origin, but the same site, whose cookies it gets: so the cookie alone
    proves nothing. Where a browser does not say so, the origin must be this host.
    """
    if headers.getlist(PAGE_HEADER) != ["1"]:
        return False
    site = headers.getlist("sec-fetch-site")
    if site:
        return site == ["same-origin"]
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if len(hosts) != 1 or len(origins) != 1:
        return False
    host = _host_of(origins[0])
    return bool(host) and host == hosts[0].lower()


def connection(headers: Headers, *, peer: str | None, scheme: str, trusted: Networks) -> Connection:
    """Returns how a request came. What a proxy says counts only if it is one of `trusted`."""
    peer = peer or ""
    if not _is_in(peer, trusted):
        return Connection(peer, scheme == "https")
    said = headers.getlist("x-forwarded-proto")
    chain = [each.strip() for each in ",".join(headers.getlist("x-forwarded-for")).split(",")]
    # From the right: what stands before the first address that no trusted proxy has, anybody may
    # have written.
    client = next((each for each in reversed(chain) if each and not _is_in(each, trusted)), peer)
    is_https = said == ["https"] if said else scheme == "https"
    return Connection(client, is_https)


def may_sign_in(headers: Headers, came: Connection, *, host: str) -> bool:
    """Returns True if a key may be sent this way: over https, or without leaving this machine.
    `host` is where the server listens.
    """
    if came.is_https:
        return True
    if any(name in headers for name in _FORWARDED):
        return False
    names = headers.getlist("host")
    # A proxy of this machine may send its own name for the host, but not for the origin.
    origins = [_host_of(each) for each in headers.getlist("origin")]
    return (
        is_loopback(came.client or host)
        and len(names) == 1
        and all(is_loopback(_name_of(each)) for each in (*names, *origins))
    )


def network_of(client: str) -> str:
    """Returns what of a client's address is counted together: the address, or the IPv6 network of
    one customer.
    """
    address = _address(client)
    if address is None:
        return ""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)


def _host_of(origin: str) -> str:
    """Returns host and port of an origin; nothing if it is none."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return ""
    return parts.netloc.lower() if parts.scheme in ("http", "https") else ""


def _name_of(host: str) -> str:
    """Returns the name of a host without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _is_in(client: str, networks: Networks) -> bool:
    address = _address(client)
    return address is not None and any(address in network for network in networks)


def _address(client: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
