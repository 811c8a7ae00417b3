"""The table `[[model_servers]]` of the settings: the destinations of model calls."""

import os
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from perdure import urls

# a base URL: the deterministic model that is shipped with Perdure
SCRIPTED = "scripted:"

# fewer would be a typing error: no model has so few
Tokens = Annotated[int, Field(ge=512)]

Dollars = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]

# what program a model server is
Kind = Literal[
    "ollama", "vllm", "llamacpp", "lmstudio", "azure", "gemini", "mistral", "deepseek", "openai"
]
_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_AZURE_PATH = "/openai/deployments/"
_QUERY = (
    "a base URL has no query: paths are put behind it. Leave out what begins with the question "
    "mark; only Azure OpenAI takes an api-version there, as in "
    "https://NAME.openai.azure.com/openai/v1 or "
    "https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT?api-version=2024-10-21"
)


def is_azure(url: str, kind: Kind | None) -> bool:
    """Returns True if a model server is Azure OpenAI, by its configured kind or by its URL."""
    if kind is not None:
        return kind == "azure"
    parts = urls.split(url)
    return (parts.hostname or "").endswith(_AZURE_HOSTS) or _AZURE_PATH in parts.path


def check_query(url: str, kind: Kind | None) -> None:
    """Raises `ValueError` for a base URL with a query or a fragment that no path can follow."""
    parts = urls.split(url)
    names = [pair.partition("=")[0] for pair in parts.query.split("&")] if parts.query else []
    wrong = names != [] and (not is_azure(url, kind) or names != ["api-version"])
    if wrong or parts.fragment:
        raise ValueError(_QUERY)


def check_model_url(url: str) -> str:
    """Returns a base URL without its last slash. Raises `ValueError`."""
    parts = urls.split(url)
    if url != SCRIPTED and not (parts.scheme in ("http", "https") and parts.hostname):
        raise ValueError(f"expected a URL such as http://localhost:11434/v1 (or {SCRIPTED})")
    return url.rstrip("/")


class Price(BaseModel):
    """A member of the table `[prices]`: US dollars for a million tokens. Without `cached_input`,
    cached tokens of the input cost as much as others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Dollars = 0.0
    output: Dollars = 0.0
    cached_input: Dollars | None = None


class ThinkingSettings(BaseModel):
    """A member of the table `[thinking]`: the way a model thinks in its text. `true` and `false`
    stand for `hide` alone.
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
    # what program it is; None: recognised by its URL, or by its answers on a private address
    kind: Kind | None = None

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

    @model_validator(mode="after")
    def _check_query(self) -> Self:
        check_query(self.base_url, self.kind)
        return self

    @property
    def key(self) -> SecretStr | None:
        """Returns the API key to send, wherever it was given."""
        if self.api_key_env:
            return SecretStr(os.environ[self.api_key_env])
        return self.api_key
