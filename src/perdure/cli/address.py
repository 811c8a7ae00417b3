"""The URL of a server."""


def url_of(host: str, port: int, *, tls: bool) -> str:
    """Returns the URL of a server on this address, for a program on the same machine."""
    scheme = "https" if tls else "http"
    if host in ("", "0.0.0.0"):  # noqa: S104  # compared, not bound
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
