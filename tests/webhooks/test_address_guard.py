"""Which addresses webhooks are not sent to, however they are written."""

import socket

import pytest

from perdure.webhooks import address_guard

PRIVATE = {
    "this host": ["0.0.0.0", "0.1.2.3", "::"],
    "loopback": ["127.0.0.1", "127.255.0.9", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12::9"],
    "link-local, with the clouds' metadata": ["169.254.169.254", "fe80::1", "fe80::1%eth0"],
    "metadata of a cloud over IPv6": ["fd00:ec2::254"],
    "shared by a provider's customers": ["100.64.0.1", "100.127.255.254"],
    "site-local, as it once was": ["fec0::1"],
    "multicast": ["224.0.0.1", "239.1.2.3", "ff02::1", "ff0e::1"],
    "broadcast and reserved": ["255.255.255.255", "240.0.0.1", "192.0.0.1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255"],
    "documents": ["192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1"],
    "IPv4 in IPv6": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1"],
    "IPv4 behind a translator": ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"],
    "tunnels": ["2002:7f00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
}
PUBLIC = [
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "169.253.255.255",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


def _info(address: str) -> address_guard.AddressInfo:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 80))


@pytest.mark.parametrize("address", [each for listed in PRIVATE.values() for each in listed])
def test_is_refused(address: str) -> None:
    assert not address_guard.is_public(address)
    with pytest.raises(address_guard.AddressRefused) as refused:
        address_guard.public_socket(_info(address))
    assert str(refused.value) == (
        "its address is not public, and webhook_private_targets is not set"
    )


@pytest.mark.parametrize("address", PUBLIC)
def test_is_let_through(address: str) -> None:
    assert address_guard.is_public(address)
    if ":" not in address:  # not every machine has IPv6
        address_guard.public_socket(_info(address)).close()


async def test_the_private_addresses_of_a_host_are_told() -> None:
    assert "127.0.0.1" in await address_guard.private_addresses("localhost", 80)
    assert await address_guard.private_addresses("8.8.8.8", 80) == []


async def test_a_name_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(OSError):  # noqa: PT011  # the resolver's own words
        await address_guard.private_addresses("no-such-host.invalid", 80)
