"""API keys of the admin API. Only a key that was just made has its `value`."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from perdure.wire.base import Body, Object
from perdure.wire.projects import GivenName

# A hundred years at most.
Lifetime = Annotated[int, Meta(ge=1, le=3_155_760_000)]


class AdminOwner(Object, kw_only=True):
    """The owner of an admin key: there are no users, so it has a role and nothing else."""

    type: Literal["user"] = "user"
    object: Literal["organization.user"] = "organization.user"
    id: str | None = None
    name: str | None = None
    created_at: int | None = None
    role: Literal["owner"] = "owner"


class AdminApiKey(Object, kw_only=True):
    id: str
    object: Literal["organization.admin_api_key"] = "organization.admin_api_key"
    name: str
    redacted_value: str
    created_at: int
    last_used_at: int | None = None
    expires_at: int | None = None
    owner: AdminOwner = AdminOwner()


class NewAdminApiKey(AdminApiKey, kw_only=True):
    value: str


class OwningAccount(Object, kw_only=True):
    id: str
    name: str
    created_at: int
    role: Literal["member"] = "member"


class ProjectKeyOwner(Object, kw_only=True):
    type: Literal["service_account"] = "service_account"
    service_account: OwningAccount


class ProjectApiKey(Object, kw_only=True):
    id: str
    object: Literal["organization.project.api_key"] = "organization.project.api_key"
    name: str
    redacted_value: str
    created_at: int
    last_used_at: int | None = None
    expires_at: int | None = None
    owner: ProjectKeyOwner
    owner_project_access: Literal["active"] = "active"


class NewProjectApiKey(Object, kw_only=True):
    id: str
    object: Literal["organization.project.service_account.api_key"] = (
        "organization.project.service_account.api_key"
    )
    name: str
    created_at: int
    expires_at: int | None = None
    value: str


class CreateAdminApiKey(Body):
    name: GivenName
    expires_in_seconds: Lifetime | None = None


class CreateProjectApiKey(Body):
    name: GivenName | None = None
    expires_in_seconds: Lifetime | None = None


class ModifyApiKey(Body):
    """A request to change when a key expires, counted from now."""

    expires_in_seconds: Lifetime | UnsetType = UNSET
