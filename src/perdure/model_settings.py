"""The table `[[model_servers]]` of the settings: where model calls go."""

import os
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from perdure import urls

# a base URL: the deterministic model that is shipped with Perdure
SCRIPTED = "scripted:"

# fewer would be a typing error: no model has so few
Tokens = Annotated[int, Field(ge=512)]


def check_model_url(url: str) -> str:
    """A base URL without its last slash. Raises `ValueError`."""
    parts = urls.checked(url)
    if url != SCRIPTED and not (parts.scheme in ("http", "https") and parts.hostname):
        raise ValueError(f"expected a URL such as http://localhost:11434/v1 (or {SCRIPTED})")
    return url.rstrip("/")


class ThinkingSettings(BaseModel):
    """A member of the table `[thinking]`: how a model thinks in its text. `true` and `false` stand
    for `hide` alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # whether thinking in front of an answer is taken out
    hide: bool = True
    # whether answers begin with thinking whose first tag is in the prompt; None: it is learnt
    begins_in_prompt: bool | None = None
    # whether it goes back to the model within the run
    send_back: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_bool(cls, value: object) -> object:
        return {"hide": value} if isinstance(value, bool) else value


class ModelServer(BaseModel):
    """A server that answers `/chat/completions` below its base URL."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    base_url: str
    api_key: SecretStr | None = None
    # the name of an environment variable, so that the file itself need not hold the secret
    api_key_env: str | None = None
    # the models it is asked for; None: those that it lists itself
    models: tuple[str, ...] | None = None
    # the context window of its models in tokens; None: that of `context_windows`, or unknown
    context_window: Tokens | None = None

    _url = field_validator("base_url")(check_model_url)

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if self.api_key_env and self.api_key:
            raise ValueError(f"model server {self.name!r} has both api_key and api_key_env")
        if self.api_key_env and not os.environ.get(self.api_key_env):
            raise ValueError(
                f"model server {self.name!r} takes its key from the environment variable "
                f"{self.api_key_env}, which is not set"
            )
        return self

    @property
    def key(self) -> SecretStr | None:
        """The API key to send, wherever it was given."""
        if self.api_key_env:
            return SecretStr(os.environ[self.api_key_env])
        return self.api_key
