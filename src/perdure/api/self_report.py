"""What a server tells of itself to who shows a token that only its own user can read."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

PATH = "/configuration"
HEADER = "x-perdure-token"


class SelfReport(NamedTuple):
    """The token, and what makes the answer."""

    token: str
    tell: Callable[[], Awaitable[bytes]]

    def is_asked(self, path: str, headers: Mapping[str, str]) -> bool:
        """Whether a request may have it. For others there is no such path."""
        shown = headers.get(HEADER, "").encode()
        return path == PATH and hmac.compare_digest(shown, self.token.encode())
