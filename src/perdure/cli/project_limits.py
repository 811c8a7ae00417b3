"""`perdure projects limit`: shows and changes the limits of a project of the running server."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from perdure.cli.client import Client, RequestRefused
from perdure.cli.pages import objects
from perdure.cli.projects import find, path_of
from perdure.cli.terminal import line, say
from perdure.errors import ConfigurationError
from perdure.wire.project_limits import (
    NO_LIMIT,
    ProjectBounds,
    ProjectModelPermissions,
    ProjectRateLimit,
    ProjectSpendLimit,
)

Found = TypeVar("Found", ProjectSpendLimit, ProjectModelPermissions)

_NONE = "none"
_NOT_FOUND = 404


class LimitChanges(NamedTuple):
    """The limits that the command line gives: numbers, or `none` to take one away; None: leave it
    as it is. `requests` and `tokens` are those of `model` in a minute.
    """

    model: str | None = None
    requests: str | None = None
    tokens: str | None = None
    active_runs: str | None = None
    file_bytes: str | None = None
    dollars: str | None = None
    allow: Sequence[str] = ()
    deny: Sequence[str] = ()


async def limit(client: Client, project: str, changes: LimitChanges) -> None:
    """Changes the limits that are given, and prints all limits of the project."""
    rates, bounds = _rates(changes), _bounds(changes)
    cents = _cents(changes.dollars)
    if changes.allow and changes.deny:
        raise ConfigurationError("--allow and --deny cannot be given together.")
    if rates and changes.model is None:
        raise ConfigurationError("--requests and --tokens need --model: a name, or '*' for all.")
    if changes.model is not None and not rates:
        raise ConfigurationError("--model needs --requests, --tokens or both.")
    async with client:
        path = path_of((await find(client, project)).id)
        if rates:
            rate_id = quote(f"rl-{changes.model}", safe="")
            await client.post(f"{path}/rate_limits/{rate_id}", rates, ProjectRateLimit)
        if bounds:
            await client.post(f"{path}/limits", bounds, ProjectBounds)
        if changes.dollars == _NONE:
            await client.delete(f"{path}/spend_limit")
        elif cents is not None:
            body = {"currency": "USD", "interval": "month", "threshold_amount": cents}
            await client.post(f"{path}/spend_limit", body, ProjectSpendLimit)
        await _change_models(client, path, changes)
        await _show(client, path)


async def _change_models(client: Client, path: str, changes: LimitChanges) -> None:
    for mode, names in (("allow_list", changes.allow), ("deny_list", changes.deny)):
        if list(names) == [_NONE]:
            await client.delete(f"{path}/model_permissions")
        elif names:
            body = {"mode": mode, "model_ids": list(names)}
            await client.post(f"{path}/model_permissions", body, ProjectModelPermissions)


async def _show(client: Client, path: str) -> None:
    async for rate in objects(client, f"{path}/rate_limits", ProjectRateLimit):
        requests = _number(rate.max_requests_per_1_minute)
        tokens = _number(rate.max_tokens_per_1_minute)
        say(f"{line(rate.model)}: {requests} requests, {tokens} tokens a minute")
    bounds = await client.get(f"{path}/limits", ProjectBounds)
    say(f"runs at once: {_number(bounds.max_active_runs)}")
    say(f"bytes of files: {_number(bounds.max_total_file_bytes)}")
    spend = await _found(client, f"{path}/spend_limit", ProjectSpendLimit)
    if spend is None:
        say("spend a month: no limit")
    else:
        used_up = ", used up" if spend.enforcement.status == "enforcing" else ""
        say(f"spend a month: {spend.threshold_amount / 100:,.2f} USD{used_up}")
    models = await _found(client, f"{path}/model_permissions", ProjectModelPermissions)
    if models is None:
        say("models: all")
    else:
        word = "only" if models.mode == "allow_list" else "all but"
        say(f"models: {word} {line(', '.join(models.model_ids)) or 'none'}")


async def _found(client: Client, path: str, kind: type[Found]) -> Found | None:
    """Returns a limit; None where there is none."""
    try:
        return await client.get(path, kind)
    except RequestRefused as refused:
        if refused.status == _NOT_FOUND:
            return None
        raise


def _rates(changes: LimitChanges) -> dict[str, int | None]:
    return _given(
        max_requests_per_1_minute=("--requests", changes.requests),
        max_tokens_per_1_minute=("--tokens", changes.tokens),
    )


def _bounds(changes: LimitChanges) -> dict[str, int | None]:
    return _given(
        max_active_runs=("--runs", changes.active_runs),
        max_total_file_bytes=("--file-bytes", changes.file_bytes),
    )


def _given(**flags: tuple[str, str | None]) -> dict[str, int | None]:
    """Returns the numbers of the flags that are given, None for `none`. Raises
    `ConfigurationError`.
    """
    return {
        name: None if text == _NONE else _integer(flag, text)
        for name, (flag, text) in flags.items()
        if text is not None
    }


def _integer(flag: str, text: str) -> int:
    digits = text.replace("_", "").replace(",", "")
    if not (digits.isascii() and digits.isdigit()) or int(digits) >= NO_LIMIT:
        raise ConfigurationError(f"{flag} takes a number, or {_NONE}, not {line(text)!r}.")
    return int(digits)


def _cents(dollars: str | None) -> int | None:
    if dollars is None or dollars == _NONE:
        return None
    whole, _, part = dollars.partition(".")
    if not (f"{whole}{part}".isascii() and f"{whole}{part}".isdigit()) or len(part) > 2:
        raise ConfigurationError(f"--dollars takes an amount, or {_NONE}, not {line(dollars)!r}.")
    return int(whole or "0") * 100 + int(part.ljust(2, "0"))


def _number(limit: int | None) -> str:
    return "no limit" if limit is None or limit >= NO_LIMIT else f"{limit:,}"
