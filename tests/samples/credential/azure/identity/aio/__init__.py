"""The same for asynchronous clients."""

from typing import Self

from azure.core.credentials import AccessToken

_FAR = 2**33


class DefaultAzureCredential:
    """A credential whose token is a key."""

    async def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken("any", _FAR)

    async def close(self) -> None:
        """There is nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_raised: object) -> None:
        """There is nothing to close."""
