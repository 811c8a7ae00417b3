"""Flags that several commands share; a setting's help is its own description."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.models import OptionInfo

from perdure.errors import ConfigurationError
from perdure.settings import descriptions


def _option(setting: str) -> OptionInfo:
    flag = f"--{setting.replace('_', '-')}"
    option: OptionInfo = typer.Option(flag, help=descriptions()[setting], show_default=False)
    return option


Host = Annotated[str | None, _option("host")]
Port = Annotated[int | None, _option("port")]
Role = Annotated[str | None, _option("role")]
DataDir = Annotated[Path | None, _option("data_dir")]
DatabaseUrl = Annotated[str | None, _option("database_url")]
ModelBaseUrl = Annotated[str | None, _option("model_base_url")]
Alias = Annotated[
    list[str] | None,
    typer.Option(
        "--alias",
        metavar="NAME=MODEL",
        help="A model name that programs use (* stands for any characters), and the model that "
        "answers instead; may be given again.",
    ),
]
DefaultModel = Annotated[str | None, _option("default_model")]
ModelApiKey = Annotated[str | None, _option("model_api_key")]
Config = Annotated[Path | None, _option("config")]


def group(about: str) -> typer.Typer:
    """Returns a group of commands. It has no panels: they are padded in a pipe too, and break
    inside words.
    """
    return typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)


def aliases(given: Sequence[str] | None) -> dict[str, str] | None:
    """Returns the table that the flags `--alias` make; None without any. Raises
    `ConfigurationError`.
    """
    table = {}
    for text in given or ():
        name, equals, model = (part.strip() for part in text.partition("="))
        if not (name and equals and model):
            raise ConfigurationError(
                f"The flag --alias takes NAME=MODEL, such as 'gpt-4*=qwen3:8b', not {text!r}."
            )
        table[name] = model
    return table or None


# of the commands that talk to a server
Url = Annotated[
    str | None, typer.Option(help="URL of the server; default: the one configured here.")
]
ApiKey = Annotated[str | None, typer.Option(help="API key of the server.")]
AdminKey = Annotated[
    str | None,
    typer.Option(help="Admin key of the server; default: PERDURE_ADMIN_KEY, or admin_key."),
]
Lifetime = Annotated[
    int | None,
    typer.Option("--expires", min=1, help="Seconds until the key expires; default: never."),
]
CaCert = Annotated[
    Path | None,
    typer.Option(help="File of a certificate (PEM) that is trusted, besides those of the system."),
]
# of the commands on objects
Limit = Annotated[int, typer.Option(min=1, help="How many are shown at most.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the object of the API.")]
