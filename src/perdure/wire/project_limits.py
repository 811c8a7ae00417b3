"""Limits of projects in the admin API (spec 11 §2-4)."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from perdure.wire.base import Body, Object

# What stands for no limit where the API has an integer: the largest that every client can hold.
NO_LIMIT = 2**53 - 1

Count = Annotated[int, Meta(ge=0, le=NO_LIMIT)]
_ModelName = Annotated[str, Meta(min_length=1, max_length=256)]


class ProjectRateLimit(Object, kw_only=True):
    object: Literal["project.rate_limit"] = "project.rate_limit"
    id: str
    model: str
    max_requests_per_1_minute: int
    max_tokens_per_1_minute: int


class ChangeRateLimit(Body, kw_only=True):
    """A change of limits: an absent one stays; null, or the largest integer, takes it away."""

    max_requests_per_1_minute: Count | UnsetType | None = UNSET
    max_tokens_per_1_minute: Count | UnsetType | None = UNSET


class ProjectModelPermissions(Object, kw_only=True):
    object: Literal["project.model_permissions"] = "project.model_permissions"
    mode: Literal["allow_list", "deny_list"]
    model_ids: list[str]


class SetModelPermissions(Body, kw_only=True):
    mode: Literal["allow_list", "deny_list"]
    model_ids: Annotated[list[_ModelName], Meta(max_length=1000)]


class SpendEnforcement(Object):
    status: Literal["inactive", "enforcing"]


class ProjectSpendLimit(Object, kw_only=True):
    object: Literal["project.spend_limit"] = "project.spend_limit"
    currency: Literal["USD"] = "USD"
    interval: Literal["month"] = "month"
    threshold_amount: int
    enforcement: SpendEnforcement


class SetSpendLimit(Body, kw_only=True):
    """`threshold_amount` is in cents."""

    currency: Literal["USD"]
    interval: Literal["month"]
    threshold_amount: Count


class LimitDeleted(Object, kw_only=True):
    object: Literal["project.model_permissions.deleted", "project.spend_limit.deleted"]
    deleted: Literal[True] = True


class ProjectBounds(Object, kw_only=True):
    """An extension; null means no limit."""

    object: Literal["project.limits"] = "project.limits"
    max_active_runs: int | None
    max_total_file_bytes: int | None


class ChangeProjectBounds(Body, kw_only=True):
    """A change of bounds: an absent one stays, and null takes it away."""

    max_active_runs: Count | UnsetType | None = UNSET
    max_total_file_bytes: Count | UnsetType | None = UNSET
