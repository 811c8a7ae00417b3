"""The conditions of operations that the original never had."""

from perdure.api.http import ApiCall
from perdure.errors import Forbidden, NotFound
from perdure.settings import is_loopback


def require_lists(call: ApiCall, noun: str) -> None:
    """Raises `NotFound` where the setting `list_threads` keeps users from each other's threads.
    `noun` is what would be listed, in the plural.
    """
    chosen = call.services.settings.list_threads
    # By default they are listed where one user has all of them.
    is_listed = call.services.keys.count(call.project) <= 1 if chosen is None else chosen
    if not is_listed:
        raise NotFound(
            f"{noun} are not listed here, since everybody with an API key of this project would "
            "see those of all others. Where that is fine, set list_threads = true.",
            code=f"{noun.lower()}_not_listed",
        )


def require_operator(call: ApiCall) -> None:
    """Raises `Forbidden` unless the caller may look at the whole server: an admin, or anybody on
    the same machine where no API key exists at all.
    """
    if call.caller.is_admin:
        return
    services, keys = call.services, call.services.keys
    if keys.total or keys.are_required or not is_loopback(services.settings.host):
        raise Forbidden(
            "This operation needs an admin key: it shows what belongs to no project.",
            code="insufficient_permissions",
        )
