"""File (spec 01 §12, 02 §10). The form that creates one is refused with the texts of spec 05 §3.5,
which are those of a JSON Schema validator.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias, get_args

from msgspec import Meta

from perdure.errors import BadRequest
from perdure.wire.base import Body, Object

# In the order in which the live service names them.
InputPurpose: TypeAlias = Literal[
    "fine-tune", "assistants", "batch", "user_data", "vision", "evals"
]
PURPOSES: tuple[str, ...] = get_args(InputPurpose)

_ANCHOR, _SECONDS = "expires_after[anchor]", "expires_after[seconds]"
_MIN_LIFETIME, _MAX_LIFETIME = 3600, 30 * 86_400


class File(Object, kw_only=True):
    """A file. It is complete from its creation: the live service sends `processed` at once."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None = None
    filename: str
    purpose: InputPurpose | Literal["assistants_output", "batch_output", "fine-tune-results"]
    status: Literal["uploaded", "processed", "error"] = "processed"
    status_details: str | None = None


class FileExpiresAfter(Body):
    """Seconds from the file's creation to its deletion: an hour to thirty days."""

    anchor: Literal["created_at"]
    seconds: Annotated[int, Meta(ge=_MIN_LIFETIME, le=_MAX_LIFETIME)]


class CreateFile(Body):
    """The fields of a form beside the file that it carries."""

    purpose: InputPurpose
    expires_after: FileExpiresAfter | None = None


def create_file(fields: Mapping[str, str]) -> CreateFile:
    """Returns the fields of the form beside the file. Raises `BadRequest`."""
    if "purpose" not in fields:
        raise required("purpose")
    for name in fields:
        if name not in ("purpose", _ANCHOR, _SECONDS):
            raise unexpected(name)
    for purpose in get_args(InputPurpose):
        if fields["purpose"] == purpose:
            return CreateFile(purpose=purpose, expires_after=_expires_after(fields))
    raise BadRequest(
        f"'{fields['purpose']}' is not one of {list(PURPOSES)} - 'purpose'", param="purpose"
    )


def required(name: str) -> BadRequest:
    """Returns the error for a form without this field."""
    return BadRequest(f"'{name}' is a required property")


def unexpected(name: str) -> BadRequest:
    """Returns the error for a form with an unknown field."""
    return BadRequest(f"Additional properties are not allowed ('{name}' was unexpected)")


def not_found(path: str, *, file_id: str) -> BadRequest:
    """Returns the error for a body that names a file which the project does not have."""
    return BadRequest(f"The following files were not found: {file_id}", param=path)


def _expires_after(fields: Mapping[str, str]) -> FileExpiresAfter | None:
    if _ANCHOR not in fields and _SECONDS not in fields:
        return None
    for name, path in ((_ANCHOR, "anchor"), (_SECONDS, "seconds")):
        if name not in fields:
            raise _refused(f"'{path}' is a required property", "expires_after")
    if fields[_ANCHOR] != "created_at":
        raise _refused(f"'{fields[_ANCHOR]}' is not one of ['created_at']", "expires_after.anchor")
    text, path = fields[_SECONDS], "expires_after.seconds"
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise _refused(f"'{text}' is not of type 'integer'", path)
    seconds = int(text)
    if seconds < _MIN_LIFETIME:
        raise _refused(f"{seconds} is less than the minimum of {_MIN_LIFETIME}", path)
    if seconds > _MAX_LIFETIME:
        raise _refused(f"{seconds} is greater than the maximum of {_MAX_LIFETIME}", path)
    return FileExpiresAfter(anchor="created_at", seconds=seconds)


def _refused(problem: str, path: str) -> BadRequest:
    return BadRequest(f"{problem} - '{path}'", param=path)
