"""The table `[[webhooks]]` of the settings: the targets of events, and the secrets that sign
them.
"""

import base64
import binascii
import os
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from perdure import urls
from perdure.lifecycle import STREAM_ENDS

EVENTS = tuple(sorted(event for event in STREAM_ENDS if event))

_PREFIX = "whsec_"
# The bounds of the Standard Webhooks convention, in bytes.
_LEAST, _MOST = 24, 64


class WebhookSettings(BaseModel):
    """A URL that receives an event when runs end, or wait for tool outputs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    url: str
    # whsec_ and base64, as in the Standard Webhooks convention
    secret: SecretStr | None = None
    # the name of an environment variable, so that the file itself need not hold the secret
    secret_env: str | None = None
    # None: the default project
    project: Annotated[str, Field(min_length=1)] | None = None
    events: Annotated[tuple[str, ...], Field(min_length=1)] = EVENTS

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        parts = urls.split(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected a URL such as https://example.com/perdure")
        try:
            parts.hostname.encode("idna")
        except UnicodeError:
            raise ValueError(f"{parts.hostname!r} is no host name") from None
        if "@" in parts.netloc:
            raise ValueError("a webhook's URL holds no user and no password")
        return url

    @field_validator("events")
    @classmethod
    def _check_events(cls, events: tuple[str, ...]) -> tuple[str, ...]:
        for event in events:
            if event not in EVENTS:
                raise ValueError(f"{event!r} is none of {', '.join(EVENTS)}")
        return events

    @model_validator(mode="after")
    def _check_secret(self) -> Self:
        if bool(self.secret) == bool(self.secret_env):
            raise ValueError(f"webhook {self.name!r} needs either secret or secret_env")
        if self.secret_env and not os.environ.get(self.secret_env):
            raise ValueError(
                f"webhook {self.name!r} takes its secret from the environment variable "
                f"{self.secret_env}, which is not set"
            )
        _ = self.key
        return self

    @property
    def key(self) -> bytes:
        """Returns the key that the secret stands for, wherever it was given."""
        if self.secret_env:
            text = os.environ[self.secret_env]
        else:
            text = self.secret.get_secret_value() if self.secret else ""
        key = _decoded(text)
        if key is None or not _LEAST <= len(key) <= _MOST:
            raise ValueError(
                f"the secret of webhook {self.name!r} must be {_PREFIX} and the base64 of "
                f"{_LEAST} to {_MOST} random bytes"
            )
        return key

    @property
    def where(self) -> str:
        """Returns the target as it may be printed: without its path, which may hold a secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


def _decoded(secret: str) -> bytes | None:
    if not secret.startswith(_PREFIX):
        return None
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return None
