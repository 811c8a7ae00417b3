"""Service accounts of the admin API: the owners of a project's keys."""

from typing import Literal

from msgspec import UNSET, UnsetType

from perdure.wire.api_keys import Lifetime, NewProjectApiKey
from perdure.wire.base import Body, Object
from perdure.wire.projects import GivenName


class ServiceAccount(Object, kw_only=True):
    id: str
    object: Literal["organization.project.service_account"] = "organization.project.service_account"
    name: str
    role: Literal["member"] = "member"
    created_at: int


class NewServiceAccount(ServiceAccount, kw_only=True):
    api_key: NewProjectApiKey | None


class CreateServiceAccount(Body):
    name: GivenName
    create_service_account_only: bool | None = None
    expires_in_seconds: Lifetime | None = None


class ModifyServiceAccount(Body):
    name: GivenName | UnsetType = UNSET
