"""Entries of the audit log of the admin API, and the query that asks for them."""

from collections.abc import Sequence
from typing import Literal, get_args

import msgspec

from perdure.wire import refusals
from perdure.wire.base import JsonObject, Object
from perdure.wire.query import Params

AuditType = Literal[
    "api_key.created",
    "api_key.updated",
    "api_key.deleted",
    "project.created",
    "project.updated",
    "project.archived",
    "rate_limit.updated",
    "service_account.created",
    "service_account.updated",
    "service_account.deleted",
]
_TYPES: tuple[str, ...] = get_args(AuditType)
_BOUNDS = ("gt", "gte", "lt", "lte")
_FIRST, _LAST = 0, 2**53


class AuditLog(Object, kw_only=True):
    """An entry of the audit log. What was changed is in a member that has the name of its `type`.
    `effective_at` is in Unix seconds.
    """

    id: str
    type: AuditType
    effective_at: int
    actor: JsonObject
    project: JsonObject


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The entries that a request asks for; None: whatever the value. Times are Unix seconds, and
    both ends are among them.
    """

    types: tuple[str, ...] | None = None
    actors: tuple[str, ...] | None = None
    projects: tuple[str, ...] | None = None
    targets: tuple[str, ...] | None = None
    since: int = _FIRST
    until: int = _LAST


def audit_query(params: Params) -> AuditQuery:
    """Returns the filters among decoded query parameters. There are no users, so nothing was done
    by one of `actor_emails`. Raises `BadRequest`.
    """
    types = _listed(params, "event_types")
    for place, value in enumerate(types or ()):
        if value not in _TYPES:
            raise refusals.unsupported_value(f"event_types[{place}]", value=value, supported=_TYPES)
    actors = _listed(params, "actor_ids")
    if _listed(params, "actor_emails") is not None:
        actors = ()
    since, until = _bounds(params)
    return AuditQuery(
        types=types,
        actors=actors,
        projects=_listed(params, "project_ids"),
        targets=_listed(params, "resource_ids"),
        since=since,
        until=until,
    )


def _listed(params: Params, name: str) -> tuple[str, ...] | None:
    """Returns the values of a parameter that may be repeated; None where it is not there."""
    found = [value for key, value in params if key in (name, f"{name}[]")]
    return tuple(found) or None


def _bounds(params: Params) -> tuple[int, int]:
    since, until = _FIRST, _LAST
    for bound in _BOUNDS:
        name = f"effective_at[{bound}]"
        for text in _listed(params, name) or ():
            value = _seconds(text, name)
            if bound.startswith("g"):
                since = max(since, value + (bound == "gt"))
            else:
                until = min(until, value - (bound == "lt"))
    return since, until


def _seconds(text: str, name: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise refusals.not_an_integer(name)
    return int(text)


def as_list(values: Sequence[str] | None) -> str | None:
    """Returns values as JSON for a statement; None for none."""
    return None if values is None else msgspec.json.encode(values).decode()
