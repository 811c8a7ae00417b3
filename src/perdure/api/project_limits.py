"""Limits of projects over HTTP, for admin keys (spec 11 §2-4)."""

from collections.abc import Callable, Mapping
from typing import Concatenate, ParamSpec, TypeVar

from msgspec import UNSET

from perdure.api.http import Answer, ApiCall
from perdure.commands import limits
from perdure.commands.limits import RATE_LIMIT_ID, ModelPermissions, ProjectLimits, RateLimit
from perdure.errors import NotFound
from perdure.storage.database import Transaction
from perdure.wire.base import encode
from perdure.wire.lists import Page
from perdure.wire.project_limits import (
    NO_LIMIT,
    ChangeProjectBounds,
    ChangeRateLimit,
    LimitDeleted,
    ProjectBounds,
    ProjectModelPermissions,
    ProjectRateLimit,
    ProjectSpendLimit,
    SetModelPermissions,
    SetSpendLimit,
    SpendEnforcement,
)
from perdure.wire.query import query

P = ParamSpec("P")
T = TypeVar("T")

_PAGE = 100


async def list_rates(call: ApiCall) -> Answer:
    asked = query(call.request.query_params.multi_items(), limit=_PAGE)
    found = await _limits(call)
    rates = [_rate(model, limit) for model, limit in sorted(found.rates.items())]
    ids = [rate.id for rate in rates]
    start = ids.index(asked.after) + 1 if asked.after in ids else 0
    end = ids.index(asked.before) if asked.before in ids else len(ids)
    page = rates[start:end][: asked.limit]
    return Page(
        [rate.id for rate in page],
        [encode(rate).decode() for rate in page],
        has_more=start + len(page) < end,
    )


async def modify_rate(call: ApiCall) -> Answer:
    rate_id = str(call.request.path_params["rate_limit_id"])
    model = rate_id.removeprefix(RATE_LIMIT_ID)
    if model == rate_id or not model:
        raise NotFound(f"No rate limit found with id '{rate_id}'.")
    body = await call.body(ChangeRateLimit)
    changes = _changes(
        {"requests": body.max_requests_per_1_minute, "tokens": body.max_tokens_per_1_minute}
    )
    return _rate(model, await _write(call, limits.change_rate, model, changes, call.change))


async def retrieve_models(call: ApiCall) -> Answer:
    found = (await _limits(call)).models
    if found is None:
        raise NotFound("This project has no model permissions: it may ask for all models.")
    return _permissions(found)


async def set_models(call: ApiCall) -> Answer:
    body = await call.body(SetModelPermissions)
    permissions = ModelPermissions(body.mode, tuple(dict.fromkeys(body.model_ids)))
    await _write(call, limits.set_models, permissions, call.change)
    return _permissions(permissions)


async def delete_models(call: ApiCall) -> Answer:
    await _write(call, limits.set_models, None, call.change)
    return LimitDeleted(object="project.model_permissions.deleted")


async def retrieve_spend(call: ApiCall) -> Answer:
    cents = (await _limits(call)).monthly_cents
    if cents is None:
        raise NotFound("This project has no spend limit.")
    return await _spend(call, cents)


async def set_spend(call: ApiCall) -> Answer:
    body = await call.body(SetSpendLimit)
    await _write(call, limits.set_spend, body.threshold_amount, call.change)
    return await _spend(call, body.threshold_amount)


async def delete_spend(call: ApiCall) -> Answer:
    await _write(call, limits.set_spend, None, call.change)
    return LimitDeleted(object="project.spend_limit.deleted")


async def retrieve_bounds(call: ApiCall) -> Answer:
    return _bounds(await _limits(call))


async def modify_bounds(call: ApiCall) -> Answer:
    body = await call.body(ChangeProjectBounds)
    changes = _changes(
        {"active_runs": body.max_active_runs, "file_bytes": body.max_total_file_bytes}
    )
    return _bounds(await _write(call, limits.change_bounds, changes, call.change))


async def _limits(call: ApiCall) -> ProjectLimits:
    """Returns the limits of the project of the path. Raises `NotFound`."""
    return await call.services.database.read(limits.of_project, call.id("project_id"))


async def _write(
    call: ApiCall,
    command: Callable[Concatenate[Transaction, str, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Changes limits of the project of the path. They hold here at once, and at other servers
    within a second. Raises `NotFound`, and `BadRequest` where the project is archived.
    """
    return await call.services.database.write(command, call.id("project_id"), *args, **kwargs)


def _changes(given: Mapping[str, object]) -> dict[str, int | None]:
    """Returns the limits that a body changes; None for those that it takes away."""
    return {
        name: value if isinstance(value, int) and value < NO_LIMIT else None
        for name, value in given.items()
        if value is not UNSET
    }


def _rate(model: str, limit: RateLimit) -> ProjectRateLimit:
    return ProjectRateLimit(
        id=RATE_LIMIT_ID + model,
        model=model,
        max_requests_per_1_minute=NO_LIMIT if limit.requests is None else limit.requests,
        max_tokens_per_1_minute=NO_LIMIT if limit.tokens is None else limit.tokens,
    )


def _permissions(found: ModelPermissions) -> ProjectModelPermissions:
    return ProjectModelPermissions(mode=found.mode, model_ids=list(found.models))


async def _spend(call: ApiCall, cents: int) -> ProjectSpendLimit:
    spent = await call.services.limiter.spent_cents(call.id("project_id"))
    status = SpendEnforcement("enforcing" if spent >= cents else "inactive")
    return ProjectSpendLimit(threshold_amount=cents, enforcement=status)


def _bounds(found: ProjectLimits) -> ProjectBounds:
    return ProjectBounds(max_active_runs=found.active_runs, max_total_file_bytes=found.file_bytes)
