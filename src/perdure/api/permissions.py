"""The conditions of operations that the original never had."""

from perdure.api.http import ApiCall
from perdure.errors import Forbidden, NotFound
from perdure.settings import is_loopback


def require_lists(call: ApiCall, noun: str) -> None:
    """Raises `NotFound` where the setting `list_threads` keeps users from each other's threads.
    `noun` is what would be listed, in the plural.
    """
    if not may_list(call):
        raise NotFound(
            f"{noun} are not listed here, since everybody with an API key of this project would "
            "see those of all others. Where that is fine, set list_threads = true.",
            code=f"{noun.lower()}_not_listed",
        )


def may_list(call: ApiCall) -> bool:
    """Returns True if whoever has a key of the project may list all its threads and runs."""
    chosen = call.services.settings.list_threads
    # By default they are listed where one user has all of them.
    return call.services.keys.count(call.project) <= 1 if chosen is None else chosen


def is_operator(call: ApiCall) -> bool:
    """Returns True if the caller may look at the whole server: an admin, or anybody on the same
    machine where no API key exists at all.
    """
    services, keys = call.services, call.services.keys
    is_open = not keys.total and not keys.are_required and is_loopback(services.settings.host)
    return call.caller.is_admin or is_open


def require_operator(call: ApiCall) -> None:
    """Raises `Forbidden` unless the caller may look at the whole server."""
    if not is_operator(call):
        raise Forbidden(
            "This operation needs an admin key: it shows what belongs to no project.",
            code="insufficient_permissions",
        )
