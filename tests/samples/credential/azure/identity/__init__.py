"""Stands in for azure-identity where there is no Azure to ask for a token: any key will do."""

from typing import Self

from azure.core.credentials import AccessToken

_FAR = 2**33


class DefaultAzureCredential:
    """A credential whose token is a key."""

    def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken("any", _FAR)

    def close(self) -> None:
        """There is nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        """There is nothing to close."""


class ManagedIdentityCredential(DefaultAzureCredential):
    """What the client of Azure's monitor imports, and does not use here."""
