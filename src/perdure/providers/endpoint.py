"""The address of a model server: its base URL, its paths, and the header that carries its key.

Azure OpenAI differs from all others: a version in the query, the key in a header of its own, and a
deployment in the path.
"""

import re
from urllib.parse import urlsplit

from perdure import urls
from perdure.errors import ConfigurationError
from perdure.settings.models import Kind, is_azure

# The last one that is generally available: deployments cannot be called without any.
AZURE_VERSION = "2024-10-21"
_DEPLOYMENT = re.compile(r"/openai/deployments/(?P<name>[^/]+)$")
# The ends of the target that Azure's portal shows, behind the base URL.
_TARGETS = ("/chat/completions", "/completions", "/embeddings")


def display_url(base_url: str, kind: Kind | None) -> str:
    """Returns a base URL as messages show it and as the server is identified by: without a password
    and a query.
    """
    return urls.without_login(_bare(base_url, kind))


class Endpoint:
    """A model server's address. Raises `ConfigurationError` for a key that cannot be sent, or not
    with this base URL.

    `where` is the name of the server in messages: its URL without a password and a query. `key` is
    the key as it is sent.
    """

    def __init__(self, base_url: str, *, api_key: str | None, kind: Kind | None) -> None:
        query = base_url.partition("?")[2]
        self.is_azure = is_azure(base_url, kind)
        self._base = base = _bare(base_url, kind)
        found = _DEPLOYMENT.search(base) if self.is_azure else None
        self.deployment = found["name"] if found else None
        if self.deployment and "api-version" not in query:
            query = "&".join(filter(None, (query, f"api-version={AZURE_VERSION}")))
        self._query = f"?{query}" if query else ""
        self.where = display_url(base_url, kind)
        if api_key and self.where != base:
            raise ConfigurationError(
                f"The model server at {self.where} has both an API key and a password in its "
                "base_url; it can be sent one of them."
            )
        # A key from a file ends in a line end, which no header takes.
        self.key = api_key.strip() if api_key else None
        if self.key and not (self.key.isascii() and self.key.isprintable()):
            raise ConfigurationError(
                f"The API key of the model server at {self.where} holds a character that no "
                "HTTP header takes."
            )

    @property
    def headers(self) -> dict[str, str]:
        """The headers that carry the key."""
        if not self.key:
            return {}
        return {"api-key": self.key} if self.is_azure else {"authorization": f"Bearer {self.key}"}

    @property
    def origin(self) -> str:
        """Scheme, host and port, without a password."""
        parts = urlsplit(self.where)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def root(self) -> str:
        """The URL in front of `/v1`, below which a server has its own paths."""
        return self._base.removesuffix("/v1")

    def url(self, path: str) -> str:
        """Returns the URL of a path below the base URL, such as `chat/completions`."""
        return f"{self._base}/{path}{self._query}"

    @property
    def models_url(self) -> str:
        """The URL that lists the models. For a deployment it is that of its resource."""
        if self.deployment is None:
            return self.url("models")
        return f"{_DEPLOYMENT.sub('/openai/models', self._base)}{self._query}"


def _bare(base_url: str, kind: Kind | None) -> str:
    """Returns the base URL that paths are appended to."""
    base = base_url.partition("?")[0].rstrip("/")
    if not is_azure(base_url, kind):
        return base
    return next((base.removesuffix(target) for target in _TARGETS if base.endswith(target)), base)
