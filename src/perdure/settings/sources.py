"""Sources of settings: flags, the environment and `perdure.toml`. No other module reads them.

A flag beats the environment variable `PERDURE_<NAME>`, which beats the file, which beats the
default.
"""

import json
import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsConfigDict

from perdure.errors import ConfigurationError
from perdure.settings.display import secrets
from perdure.settings.settings import CONFIG_FILE, ENV_PREFIX, Settings, file_of

# where a value comes from that nobody set
DEFAULT = "default"
# flags that have another name than their setting
_FLAGS = {"model_aliases": "alias"}


class _Isolated(Settings):
    """Settings that depend on their own values only."""

    model_config = SettingsConfigDict(defer_build=True)  # few programs need it

    def __init__(self, **values: object) -> None:
        # past `BaseSettings`, which reads the environment before it asks which sources count
        BaseModel.__init__(self, **values)


def load(**flags: object) -> Settings:
    """Returns the settings of this process; `flags` are those of the command line, None if not
    given.

    Raises `ConfigurationError`: one sentence that names the setting and its origin.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    path = file_of(given)
    if path != Path(CONFIG_FILE) and not path.is_file():
        raise ConfigurationError(f"There is no settings file {path}.")
    try:
        return _with_aliases(given)
    except ValidationError as error:
        raise ConfigurationError(_sentence(error.errors()[0], given)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None


def _with_aliases(given: Mapping[str, object]) -> Settings:
    """Returns the settings, in which each alias of the command line is added or replaces the alias
    of the same name.
    """
    rest = {name: value for name, value in given.items() if name != "model_aliases"}
    chosen = Settings(**rest)  # type: ignore[arg-type]  # checked at run time
    aliases = given.get("model_aliases")
    if not isinstance(aliases, Mapping):
        return chosen
    # As text: a table would be mixed with those of other sources, whichever of them holds.
    merged = json.dumps({**chosen.model_aliases, **aliases})
    return Settings(**rest, model_aliases=merged)  # type: ignore[arg-type]  # checked at run time


def only(**values: object) -> Settings:
    """Returns settings made of these values and the defaults: no environment, no file.

    For tests and for servers inside other programs. Raises `ConfigurationError`.
    """
    return only_with((), **values)


def only_with(environment: Collection[str], /, **values: object) -> Settings:
    """Returns settings as `only` does, with those settings of the environment that are named."""
    names = {f"{ENV_PREFIX}{name}".upper(): name for name in environment}
    found = {
        names[variable.upper()]: text
        for variable, text in os.environ.items()
        if text and variable.upper() in names
    }
    try:
        return _Isolated(**{**found, **values})
    except ValidationError as error:
        raise ConfigurationError(_sentence(error.errors()[0], values)) from None


def origin(name: str, flags: Mapping[str, object]) -> str:
    """Returns the origin of a setting's value, such as `the environment variable PERDURE_PORT`."""
    return origins([name], flags)[name]


def origins(names: Iterable[str], flags: Mapping[str, object]) -> dict[str, str]:
    """Returns the origin of each setting's value by its name. Environment and file are read once
    for all, and the file only if a setting may be there.
    """
    variables = {variable.upper(): variable for variable, text in os.environ.items() if text}
    found = {}
    elsewhere = []
    for name in names:
        variable = variables.get(f"{ENV_PREFIX}{name}".upper())
        if flags.get(name) is not None:
            found[name] = f"the flag --{_FLAGS.get(name, name).replace('_', '-')}"
        elif variable:
            found[name] = f"the environment variable {variable}"
        else:
            elsewhere.append(name)
    return found | _origins_in_file(elsewhere, file_of(flags))


def _origins_in_file(names: Collection[str], path: Path) -> dict[str, str]:
    there = names and path.is_file()
    file = tomllib.loads(path.read_text(encoding="utf-8")) if there else {}
    return {name: str(path) if name in file else DEFAULT for name in names}


def files_read(chosen: Settings) -> list[Path]:
    """Returns the settings file, which may hold secrets, and the certificate's key, if they
    exist.
    """
    paths = [file_of({"config": chosen.config})]
    if chosen.tls_key:
        paths.append(chosen.tls_key)
    return [path.absolute() for path in paths if path.is_file()]


def unknown_variables() -> list[str]:
    """Returns environment variables that look like settings but are none: likely misspelt."""
    known = {f"{ENV_PREFIX}{name}".upper() for name in Settings.model_fields}
    return sorted(
        variable
        for variable in os.environ
        if variable.upper().startswith(ENV_PREFIX) and variable.upper() not in known
    )


def _sentence(error: ErrorDetails, flags: Mapping[str, object]) -> str:
    problem = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return f"{problem}."
    problem = problem[0].lower() + problem[1:]
    name = str(error["loc"][0])
    where = origin(name, flags)
    if error["type"] == "extra_forbidden" and len(error["loc"]) == 1:
        return f"{name!r} in {where} is not a setting."
    value = "" if name in secrets() else _wrong_value(error["input"])
    return f"The setting {_path(error['loc'])} from {where} is wrong{value}: {problem}."


def _wrong_value(value: object) -> str:
    """Returns a value that was refused, in brackets; nothing where it may be a URL with a
    secret.
    """
    text = str(value)
    may_hold_secret = "@" in text or "?" in text or re.search(r":(?!//)\D", text)
    return "" if may_hold_secret else f" ({value!r})"


def _path(loc: Iterable[int | str]) -> str:
    return ".".join(str(part) for part in loc)
