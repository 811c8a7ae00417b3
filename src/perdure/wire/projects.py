"""Projects of the admin API."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from perdure.wire.base import Body, Object

# The project of all rows that came before there were others, and of the keys of the settings.
DEFAULT_PROJECT = "proj_default"
# What a project, a service account or an API key is called: no control characters. \Z: Python's $
# would let a line end pass.
GivenName = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]*\Z")]


class Project(Object, kw_only=True):
    id: str
    object: Literal["organization.project"] = "organization.project"
    name: str
    created_at: int
    archived_at: int | None = None
    status: Literal["active", "archived"]


class CreateProject(Body):
    name: GivenName


class ModifyProject(Body):
    name: GivenName | UnsetType = UNSET
