"""The API's errors as exceptions.

They are raised where the problem is found, with the offending value, and turned into the error
envelope (spec 05 §1) at one place, the HTTP boundary. `message` is the text for the user.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal


class PerdureError(Exception):
    """Any error that Perdure raises on purpose."""


class APIError(PerdureError):
    """A request that cannot be answered: becomes the error envelope.

    `status` is the HTTP status, `param` the path of the offending field (spec 05 §3.3), `code` the
    machine-readable code; both may be null on the wire.
    """

    status = 400
    type = "invalid_request_error"
    retry_after: int | None = None
    """Seconds after which it is worth trying again, where that is known."""
    headers: Mapping[str, str] = MappingProxyType({})
    """Further headers of the answer."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


class BadRequest(APIError):
    """The request is malformed, or the object's state does not allow it (spec 05 §2)."""


class Unauthorized(APIError):
    """The API key is missing or wrong (spec 05 §3.1)."""

    status = 401


class Forbidden(APIError):
    """The request may not be made from here."""

    status = 403


class NotFound(APIError):
    """The object or the route does not exist (spec 05 §3.2)."""

    status = 404


class MethodNotAllowed(APIError):
    """The route exists, but not for this HTTP method."""

    status = 405


class RequestTimeout(APIError):
    """The request did not come to its end in time; SDKs send it again."""

    status = 408


class TooLarge(APIError):
    """The request body is over the limit."""

    status = 413


class URLTooLong(APIError):
    """The URL is over the limit."""

    status = 414


class UnsupportedMediaType(APIError):
    """The request body is of a kind that the route does not take."""

    status = 415


class TooManyRequests(APIError):
    """A bound on requests or objects is reached (spec 05 §2); SDKs try again."""

    status = 429
    type = "requests"
    retry_after = 5


class RateLimited(TooManyRequests):
    """A limit of the project is reached for now (spec 11 §5). `kind` says of what; `headers` tell
    the limits.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: int,
        kind: Literal["requests", "tokens"] = "requests",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(message, code="rate_limit_exceeded")
        self.type = kind
        self.retry_after = retry_after
        self.headers = headers


class QuotaExceeded(APIError):
    """The project has used up what it may have (spec 11 §5). Trying again is of no use."""

    status = 429
    type = "insufficient_quota"
    headers = MappingProxyType({"x-should-retry": "false"})

    def __init__(self, message: str) -> None:
        super().__init__(message, code="insufficient_quota")


class HeadTooLarge(APIError):
    """The head of the request is over the limit."""

    status = 431


class Internal(APIError):
    """The server has a fault (spec 05 §3.1); SDKs retry it."""

    status = 500
    type = "server_error"


class Unavailable(APIError):
    """The server cannot reach something that it needs now; SDKs retry it."""

    status = 503
    type = "server_error"


class Overloaded(Unavailable):
    """The server has too much in hand to take this request too; SDKs try again."""

    retry_after = 1


class ProviderError(PerdureError):
    """A model call failed; becomes the run's `last_error` (spec 03 §8).

    `code` is one of `server_error`, `rate_limit_exceeded`, `invalid_prompt`. The message helps the
    user and holds no secret. `refusal` is the model server's text, for the provider that has read
    it.
    """

    refusal: object = None

    def __init__(self, message: str, *, code: str = "server_error") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class ProviderAway(ProviderError):
    """The model server cannot be reached, or cannot answer now: a later call may succeed."""


class PromptTooLong(ProviderError):
    """The request has more tokens than the model's context window holds.

    `limit` is the size of the window in tokens, where the model server reports it.
    """

    def __init__(self, message: str, *, limit: int | None = None) -> None:
        super().__init__(message, code="invalid_prompt")
        self.limit = limit


class LeaseLost(PerdureError):
    """The run is no longer this worker's: another claimed it, or it was ended."""


class IllegalMove(PerdureError):
    """A signal met a status that has no such line in its table: a fault of Perdure, not of the
    client.
    """


class ConfigurationError(PerdureError):
    """The server cannot start as configured; the message is one clear sentence."""
