"""The settings with their types, defaults and rules.

Secrets are `SecretStr`: they never show up in a log or an error.
"""

import ipaddress
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from platformdirs import user_data_path
from pydantic import (
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from perdure import urls
from perdure.settings.blobs import BlobSettings
from perdure.settings.clients import ClientSettings
from perdure.settings.code import CodeSettings, Seconds
from perdure.settings.dashboard import DashboardSettings
from perdure.settings.models import (
    SCRIPTED,
    Kind,
    ModelServer,
    Price,
    ThinkingSettings,
    Tokens,
    check_model_url,
    check_query,
)
from perdure.settings.observation import ObservationSettings
from perdure.settings.tls import TlsSettings
from perdure.settings.webhooks import WebhookSettings
from perdure.urls import without_password

ENV_PREFIX = "PERDURE_"
CONFIG_FILE = "perdure.toml"


def file_of(flags: Mapping[str, object]) -> Path:
    """Returns the settings file that these flags and the environment name, existing or not."""
    named = flags.get("config") or os.environ.get(f"{ENV_PREFIX}CONFIG") or CONFIG_FILE
    return Path(str(named)).expanduser()


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Returns True if only programs on this machine can reach a server on this address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _split_commas(value: object) -> object:
    """Splits the value of an environment variable, which holds a list as one string with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _parse_json(value: object) -> object:
    """Parses the value of an environment variable, which holds tables as JSON."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            # without the text itself: it may hold a key
            raise ValueError(f"not valid JSON ({error.msg}, at character {error.pos})") from None
    return value


def _check_names(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two {what} are named {name!r}")


def _check_query(name: str, url: str | None, kind: Kind | None) -> None:
    try:
        check_query(url or SCRIPTED, kind)
    except ValueError as error:
        raise ValueError(f"the setting {name} is wrong: {error}") from None


class Settings(
    BaseSettings,
    BlobSettings,
    ClientSettings,
    CodeSettings,
    DashboardSettings,
    ObservationSettings,
    TlsSettings,
):
    """The settings of a server; `docs/operating.md` describes each field to users."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        defer_build=False,
    )

    config: Path | None = None
    """Path of the settings file; without it, `perdure.toml` in the working directory, if any."""

    host: str = "127.0.0.1"
    """Address to listen on. Anything but a loopback address needs an API key, of a project or an
    admin's."""

    port: Annotated[int, Field(ge=0, le=65535)] = 7373
    """TCP port to listen on; 0 takes any free port."""

    role: Literal["all", "api", "worker"] = "all"
    """Work of the server, where several share a PostgreSQL: `api` answers requests, `worker`
    works on runs, files and webhooks, `all` does both."""

    data_dir: Path = Field(default_factory=lambda: user_data_path("perdure", appauthor=False))
    """Folder of everything that must survive a restart; made when missing."""

    database_url: SecretStr | None = None
    """`postgresql://…`; without it, an SQLite file in the data folder."""

    model_base_url: str | None = None
    """Base URL of the model server named `default`, such as `http://localhost:11434/v1`."""

    model_api_key: SecretStr | None = None
    """API key sent to the model server named `default`."""

    model_kind: Kind | None = None
    """Kind of the model server named `default`, such as `ollama` or `azure`; without it,
    it is recognised by its URL, or guessed on a private address."""

    model_servers: Annotated[tuple[ModelServer, ...], NoDecode] = ()
    """More model servers: tables with name, base_url, api_key or api_key_env, models,
    context_window, kind."""

    model_aliases: Annotated[dict[str, str], NoDecode] = {}
    """Model names that programs use, and the names of the models that answer instead."""

    default_model: str | None = None
    """The model that answers for names that no model server lists; without it, they fail."""

    context_windows: Annotated[dict[str, Tokens], NoDecode] = {}
    """Model names (`*` stands for any characters), and their context windows in tokens."""

    max_context_tokens: Tokens = 256_000
    """Most tokens that are sent to a model whose context window is not known."""

    thinking: Annotated[dict[str, ThinkingSettings], NoDecode] = {}
    """Model names (`*` stands for any characters), and what becomes of the thinking that they write
    in front of their answers: tables with hide, begins_in_prompt, send_back."""

    prices: Annotated[dict[str, Price], NoDecode] = {}
    """Model names (`*` stands for any characters), and what they cost, in US dollars for a million
    tokens: tables with input, output, cached_input. Limits of spending count with them."""

    embedding_base_url: str | None = None
    """Base URL of a server that answers `/embeddings`; without it, files are searched by words."""

    embedding_api_key: SecretStr | None = None
    """API key sent to it."""

    embedding_model: str | None = None
    """The model that it is asked for. A vector store keeps the one that it began with."""

    embedding_dimensions: Annotated[int | None, Field(ge=1, le=4096)] = None
    """Dimensions that are asked of the model; without it, as many as it has."""

    rewrite_model: str | None = None
    """The model that rewrites queries of searches that ask for it, by a name that runs could use;
    without it, they are searched for as they are."""

    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """API keys of the default project, separated by commas; as long as no project has a key, every
    key will do."""

    admin_key: Annotated[SecretStr, Field(min_length=16)] | None = None
    """API key that administers projects and their keys, besides those that are stored."""

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Host names that requests may be sent to, besides the loopback names, separated by commas."""

    run_lifetime_seconds: Annotated[int, Field(ge=1)] = 600
    """Seconds from a run's creation until it expires."""

    lease_seconds: Seconds = 10.0
    """Seconds without a heartbeat after which another worker takes a run over."""

    drain_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 20.0
    """Seconds that running runs get at shutdown, before they are released to be resumed later."""

    max_concurrent_runs: Annotated[int, Field(ge=1)] = 1000
    """Runs that one worker works on at once; the others stay queued."""

    max_tool_rounds: Annotated[int, Field(ge=1)] = 32
    """Rounds of tools in a row that the server answers by itself; then the model must answer."""

    max_concurrent_files: Annotated[int, Field(ge=1)] = 2
    """Files that one server reads into vector stores at once; the others wait."""

    cite_unmarked: bool = True
    """True if sentences that evidently come from a file are cited where the model cites nothing."""

    keep_alive_seconds: Seconds = 15.0
    """Seconds of silence after which an event stream carries a comment line."""

    poll_after_ms: Annotated[int, Field(ge=1)] = 250
    """Milliseconds that polling SDKs wait between two requests for a run."""

    model_idle_seconds: Seconds = 120.0
    """Longest silence of a model server in seconds, before the model call fails."""

    model_patience_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 120.0
    """Seconds that a run waits for a model server that loads its model, or is not there now."""

    event_retention_days: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 30.0
    """Days that the events of ended runs are kept for clients that come back."""

    trace_retention_days: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 7.0
    """Days that the traces of ended runs are kept; with 0, none are written."""

    webhooks: Annotated[tuple[WebhookSettings, ...], NoDecode] = ()
    """Targets of the events of runs: tables with name, url, secret or secret_env, project,
    events."""

    webhook_private_targets: bool = False
    """True if webhooks may be sent to addresses that only this machine or its network can reach."""

    _split = field_validator(
        "api_keys", "allowed_hosts", "cors_origins", "trusted_proxies", mode="before"
    )(_split_commas)
    _parse = field_validator(
        "model_servers",
        "model_aliases",
        "context_windows",
        "thinking",
        "prices",
        "webhooks",
        mode="before",
    )(_parse_json)

    @classmethod
    def settings_customise_sources(  # the library's name and signature
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(settings_cls, toml_file=file_of(init_settings()))
        return init_settings, env_settings, toml

    @field_validator("model_base_url", "embedding_base_url")
    @classmethod
    def _check_base_url(cls, url: str | None) -> str | None:
        return url and check_model_url(url)

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url and urls.split(url.get_secret_value()).scheme not in ("postgresql", "postgres"):
            raise ValueError("expected a URL that begins with postgresql://")
        return url

    @field_validator("data_dir")
    @classmethod
    def _expand_home(cls, path: Path) -> Path:
        return path.expanduser()

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.model_api_key and not self.model_base_url:
            raise ValueError(
                "model_api_key is set but model_base_url is not: name the model server too"
            )
        if self.role != "all" and self.database_url is None:
            raise ValueError(
                f"role is {self.role}, and a server on SQLite is alone: name a PostgreSQL with "
                "database_url, which others share, or leave role out"
            )
        if self.contents == "database" and not self.database_url:
            raise ValueError(
                "contents is database but database_url is not set: only PostgreSQL takes contents"
            )
        if bool(self.embedding_base_url) != bool(self.embedding_model):
            raise ValueError("embedding_base_url and embedding_model are needed together")
        if self.embedding_api_key and not self.embedding_base_url:
            raise ValueError(
                "embedding_api_key is set but embedding_base_url is not: name the server too"
            )
        if self.model_kind and not self.model_base_url:
            raise ValueError("model_kind is set but model_base_url is not: name the server too")
        _check_query("model_base_url", self.model_base_url, self.model_kind)
        _check_query("embedding_base_url", self.embedding_base_url, None)
        _check_names("model servers", [server.name for server in self.servers])
        _check_names("webhooks", [webhook.name for webhook in self.webhooks])
        if self.metrics_port and (self.metrics_host, self.metrics_port) == (self.host, self.port):
            raise ValueError("metrics_port is the port of the API: leave it out, or choose another")
        if self.admin_key in self.api_keys:
            raise ValueError("admin_key is one of api_keys: an admin's key is no project's")
        return self

    @property
    def servers(self) -> tuple[ModelServer, ...]:
        """Returns the model servers in use; the first is the default one.

        With none configured: the scripted model that is shipped with Perdure.
        """
        servers = self.model_servers
        if self.model_base_url:
            default = ModelServer(
                name="default",
                base_url=self.model_base_url,
                api_key=self.model_api_key,
                kind=self.model_kind,
            )
            servers = (default, *servers)
        return servers or (ModelServer(name="scripted", base_url=SCRIPTED),)

    @property
    def contents_label(self) -> str:
        """Returns where new contents go, as it may be printed."""
        place = self.contents
        if place == "auto":
            place = "s3" if self.blob_url else "database" if self.database_url else "folder"
        where = {
            "s3": f"the bucket {self.blob_url}",
            "database": "the PostgreSQL database",
            "folder": f"the folder {self.data_dir / 'blobs'}",
        }
        return where[place]

    @property
    def database_label(self) -> str:
        """Returns the database as it may be printed: without password and options."""
        if self.database_url is None:
            return f"SQLite in {self.data_dir}"
        return without_password(self.database_url.get_secret_value())
