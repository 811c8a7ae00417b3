"""Headers of a request that is passed through: those that concern the other side."""

from collections.abc import Mapping

_DROPPED = frozenset({"api-key", "authorization", "connection", "content-encoding",
                              "content-length", "cookie", "date", "host", "keep-alive",
                              "proxy-authenticate", "proxy-authorization", "server", "set-cookie",
                              "te", "trailer", "transfer-encoding", "upgrade",
                              "www-authenticate"})  # fmt: skip


def forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """Returns the headers without credentials, and without those of this connection."""
    return {name: value for name, value in headers.items() if name.lower() not in _DROPPED}
