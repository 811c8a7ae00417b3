"""The report of a server on itself, for a client with a token that only the server's own user can
read.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

PATH = "/configuration"
HEADER = "x-perdure-token"


class SelfReport(NamedTuple):
    """The token, and the function that makes the report."""

    token: str
    make: Callable[[], Awaitable[bytes]]

    def is_asked(self, path: str, headers: Mapping[str, str]) -> bool:
        """Returns True if the request has the path and the token. For other requests the path does
        not exist.
        """
        shown = headers.get(HEADER, "").encode()
        return path == PATH and hmac.compare_digest(shown, self.token.encode())
