"""A guard that refuses webhook connections to private addresses: those of this machine or its
network.

A URL that somebody else chose would otherwise let them send requests to our neighbours, or to the
cloud's own address for credentials. The guard checks the address of each connection when it is
made: after the name was resolved, so that no answer of a name server can change it, and for
addresses that stand in the URL too.
"""

import asyncio
import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address
from typing import Any

# Networks without IPv4 of their own reach it through these addresses (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

# What a resolver finds: family, type, protocol, canonical name, address.
AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]


class AddressRefused(OSError):
    """A connection to an address that webhooks are not sent to."""


def is_public(address: str) -> bool:
    """Returns True if an IP address is one machine of the public internet.

    Raises `ValueError` for text that is no IP address.
    """
    # what stands behind the percent sign names an interface of this machine
    found = _meant(ipaddress.ip_address(address.partition("%")[0]))
    if not found.is_global or found.is_multicast or found.is_reserved:
        return False
    # Tunnels lead to an IPv4 address that stands inside of them; nobody has needed them for years.
    return isinstance(found, IPv4Address) or not (
        found.is_site_local or found.sixtofour or found.teredo
    )


def public_socket(info: AddressInfo) -> socket.socket:
    """Returns a socket for a connection to this address. Raises `AddressRefused` unless it is
    public.
    """
    family, kind, protocol, _, where = info
    if not is_public(str(where[0])):
        # the same words for each address, or the client would make another error of several
        raise AddressRefused("its address is not public, and webhook_private_targets is not set")
    return socket.socket(family, kind, protocol)


async def private_addresses(host: str, port: int) -> list[str]:
    """Returns the addresses of a host that are not public. Raises `OSError` for an unknown name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = {str(where[0]) for *_, where in found}
    return sorted(address for address in addresses if not is_public(address))


def _meant(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Returns the IPv4 address that an IPv6 address stands for, where it stands for one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address
