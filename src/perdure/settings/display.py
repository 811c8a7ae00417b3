"""Printable settings, without secrets."""

from functools import cache
from typing import get_args

from pydantic import BaseModel, SecretStr

from perdure.settings.settings import Settings
from perdure.urls import without_password


@cache
def secrets() -> frozenset[str]:
    """Returns the settings that hold a secret, by themselves or in their tables."""
    fields = Settings.model_fields.items()
    return frozenset(name for name, field in fields if _holds_secret(field.annotation))


def _holds_secret(kind: object) -> bool:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return any(_holds_secret(field.annotation) for field in kind.model_fields.values())
    return kind is SecretStr or any(map(_holds_secret, get_args(kind)))


def printable(chosen: Settings, name: str) -> str:
    """Returns a setting's value as it may be printed."""
    if name == "database_url":
        return chosen.database_label
    value = getattr(chosen, name)
    if isinstance(value, tuple) and name in secrets():
        names = [getattr(each, "name", "") for each in value]
        return ", ".join(names) if all(names) else f"{len(value)} secret(s)"
    return without_password(value) if "://" in str(value) and isinstance(value, str) else str(value)
