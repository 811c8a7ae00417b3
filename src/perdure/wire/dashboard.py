"""The session of the dashboard: an extension that its page alone uses."""

from typing import Annotated, Literal

from msgspec import Meta

from perdure.wire.base import Body, Object


class SignIn(Body):
    api_key: Annotated[str, Meta(min_length=1, max_length=1024)]


class SessionProject(Object):
    id: str
    name: str


class Capabilities(Object):
    """The screens that there is something for. `list_threads`: threads and runs are listed.
    `operator`: servers, health and what was learnt of model servers. `admin`: projects, keys and
    usage.
    """

    list_threads: bool
    operator: bool
    admin: bool


class DashboardSession(Object, kw_only=True):
    """The session of a browser, as the page asks for it when it begins.

    `sign_in` is `none` where no API key exists, so that any will do; `https_required` where a key
    may not be sent the way that the request came. `projects` are those that an admin may choose.
    """

    object: Literal["dashboard.session"] = "dashboard.session"
    sign_in: Literal["none", "key", "https_required"]
    signed_in: bool
    is_admin: bool
    project: SessionProject | None
    projects: list[SessionProject]
    capabilities: Capabilities
    version: str
