"""The caller of a request: the project that its API key belongs to, and the key."""

from dataclasses import dataclass

from perdure.wire.projects import DEFAULT_PROJECT


@dataclass(frozen=True, slots=True)
class Caller:
    """The project and the key of whoever sends a request.

    `project` is the project that the request reads and changes. `key_id` is the id of the API key;
    None for a key of the settings, and where keys are not required. `is_admin` is True for an admin
    key. `is_known` is False where keys are not required, and the one that was sent is none.
    """

    project: str
    key_id: str | None
    is_admin: bool
    is_known: bool


DEFAULT_CALLER = Caller(DEFAULT_PROJECT, None, is_admin=False, is_known=False)
