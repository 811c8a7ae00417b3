"""Where a server is found."""


def url_of(host: str, port: int) -> str:
    """The URL of a server on this address, as a program on the same machine reaches it."""
    if host in ("", "0.0.0.0"):  # noqa: S104  # compared, not bound
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
