"""Sends webhooks over HTTP.

No redirect is followed, no cookie kept, no proxy of the environment used. Of a response only the
status and headers are read.
"""

from collections.abc import Mapping

import aiohttp
from aiohttp.abc import AbstractResolver

from perdure.webhooks import address_guard
from perdure.webhooks.sender import SendFailed, WebhookResponse

_TIMEOUT_SECONDS = 15.0


class HttpSender:
    """The sender of a server; see `Sender`. With `private_targets` no address is refused."""

    def __init__(
        self,
        *,
        private_targets: bool = False,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._private_targets = private_targets
        self._resolver = resolver
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookResponse:
        """Sends as `Sender.send` says."""
        try:
            async with self._http().post(
                url, headers=headers, data=body, allow_redirects=False
            ) as response:
                return WebhookResponse(response.status, response.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SendFailed(_reason(error)) from error

    async def close(self) -> None:
        """Closes as `Sender.close` says."""
        if self._session is not None:
            await self._session.close()

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=0,
                resolver=self._resolver,
                socket_factory=None if self._private_targets else address_guard.public_socket,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"user-agent": "perdure"},
                trust_env=False,
            )
        return self._session


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.InvalidURL():
            return "Its URL is not valid."
        case aiohttp.ClientConnectorDNSError():
            return "Its host name is not known."
        case aiohttp.ClientConnectorError(os_error=address_guard.AddressRefused() as refused):
            return f"It is refused: {refused}."
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "TLS failed."
        case aiohttp.ClientConnectorError():
            return "It cannot be reached."
        case TimeoutError():
            return "It did not answer in time."
        case _:
            return "The connection broke."
