"""Which requests count as the dashboard's own, and which may carry a key."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from perdure.api.browsers import (
    Connection,
    connection,
    is_of_page,
    may_sign_in,
    network_of,
)

PROXY = ip_network("10.0.0.0/8")

# Where each header is given, it has one of these values, also twice.
_VALUES = {
    "perdure-dashboard": ("1", "0", "", "1, 1"),
    "sec-fetch-site": ("same-origin", "same-site", "cross-site", "none", "", "SAME-ORIGIN"),
    "origin": (
        *("http://127.0.0.1:7373", "http://127.0.0.1:7374", "http://127.0.0.1", "null", ""),
        *("https://127.0.0.1:7373", "ftp://127.0.0.1:7373", "http://[", "http://evil@127.0.0.1"),
    ),
    "host": ("127.0.0.1:7373", "evil.example", ""),
}
_HEADERS = st.lists(
    st.sampled_from([(name, value) for name, values in _VALUES.items() for value in values]),
    max_size=8,
)


def headers_of(*pairs: tuple[str, str]) -> Headers:
    return Headers(raw=[(name.encode(), value.encode()) for name, value in pairs])


@given(_HEADERS)
def test_a_request_is_the_pages_only_if_the_browser_says_so(
    pairs: list[tuple[str, str]],
) -> None:
    values = {name: [value for each, value in pairs if each == name] for name in _VALUES}
    if is_of_page(headers_of(*pairs)):
        assert values["perdure-dashboard"] == ["1"]
        if values["sec-fetch-site"]:
            assert values["sec-fetch-site"] == ["same-origin"]
        else:
            (host,), (origin,) = values["host"], values["origin"]
            assert origin in (f"http://{host}", f"https://{host}")


@pytest.mark.parametrize(
    "more",
    [
        [("sec-fetch-site", "same-origin")],
        [("sec-fetch-site", "same-origin"), ("origin", "http://elsewhere")],
        [("origin", "http://127.0.0.1:7373"), ("host", "127.0.0.1:7373")],
        [("origin", "https://Perdure.Example"), ("host", "perdure.example")],
    ],
)
def test_the_page_of_each_browser_is_let_in(more: list[tuple[str, str]]) -> None:
    assert is_of_page(headers_of(("perdure-dashboard", "1"), *more))


@pytest.mark.parametrize(
    ("peer", "scheme", "said", "expected"),
    [
        ("192.0.2.1", "http", {}, ("192.0.2.1", False)),
        ("192.0.2.1", "https", {}, ("192.0.2.1", True)),
        # Anybody may say so.
        ("192.0.2.1", "http", {"x-forwarded-proto": "https"}, ("192.0.2.1", False)),
        ("192.0.2.1", "http", {"x-forwarded-for": "127.0.0.1"}, ("192.0.2.1", False)),
        # A trusted proxy, and two of them in a row.
        (
            "10.0.0.1",
            "http",
            {"x-forwarded-proto": "https", "x-forwarded-for": "127.0.0.1, 192.0.2.1"},
            ("192.0.2.1", True),
        ),
        (
            "10.0.0.1",
            "http",
            {"x-forwarded-proto": "http", "x-forwarded-for": "192.0.2.1, 10.0.0.2"},
            ("192.0.2.1", False),
        ),
        ("10.0.0.1", "http", {"x-forwarded-proto": "https, http"}, ("10.0.0.1", False)),
        ("10.0.0.1", "https", {}, ("10.0.0.1", True)),
        (None, "http", {}, ("", False)),
    ],
)
def test_only_a_trusted_proxy_says_where_a_request_came_from(
    peer: str | None, scheme: str, said: dict[str, str], expected: tuple[str, bool]
) -> None:
    found = connection(Headers(said), peer=peer, scheme=scheme, trusted=[PROXY])
    assert found == Connection(*expected)


@pytest.mark.parametrize(
    ("client", "is_https", "headers", "expected"),
    [
        ("127.0.0.1", False, {"host": "127.0.0.1:7373"}, True),
        ("127.0.0.1", False, {"host": "localhost:7373", "origin": "http://localhost:7373"}, True),
        ("::1", False, {"host": "[::1]:7373", "origin": "http://[::1]:7373"}, True),
        ("192.0.2.1", True, {"host": "perdure.example"}, True),
        # Another machine, or a name that other machines know.
        ("192.0.2.1", False, {"host": "127.0.0.1:7373"}, False),
        ("127.0.0.1", False, {"host": "perdure.example"}, False),
        ("127.0.0.1", False, {}, False),
        # A proxy of this machine that says what it is, and one that does not.
        ("127.0.0.1", False, {"host": "127.0.0.1", "x-forwarded-for": "127.0.0.1"}, False),
        ("127.0.0.1", False, {"host": "127.0.0.1", "forwarded": "for=x"}, False),
        ("127.0.0.1", False, {"host": "127.0.0.1:7373", "origin": "http://perdure.example"}, False),
    ],
)
def test_a_key_is_sent_over_https_or_stays_on_the_machine(
    client: str, is_https: bool, headers: dict[str, str], expected: bool
) -> None:
    came = Connection(client, is_https)
    assert may_sign_in(Headers(headers), came, host="0.0.0.0") is expected


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("", ""),
        ("testclient", ""),
    ],
)
def test_addresses_of_one_customer_are_counted_together(client: str, network: str) -> None:
    assert network_of(client) == network
