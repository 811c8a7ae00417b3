"""Images in messages (spec 03 §16): which files and data URLs a message may show."""

from base64 import b64decode
from pathlib import PurePath

from perdure.errors import BadRequest
from perdure.image_types import image_type
from perdure.wire.files import File

# In the order of the error.
_ENDINGS = (".jpeg", ".jpg", ".png", ".gif", ".webp")
_MAX_BYTES = 20 * 1024 * 1024
_EXPECTED = "Invalid message content: Expected file type to be a supported format: " + ", ".join(
    _ENDINGS
)
_CODE = "invalid_image_format"

# Before the comma of a data URL there is only the type. 16 characters are the head of an image;
# some programs break the lines of base64.
_LONGEST_TYPE = 256
_HEAD_CHARS = 16
_MOST_LOOKED_AT = 64


def check_file(file: File, *, param: str) -> None:
    """Raises `BadRequest` where the name or the size is not that of an image (spec 05 §3.4)."""
    ending = PurePath(file.filename).suffix.lower()
    if ending not in _ENDINGS:
        raise BadRequest(f"{_EXPECTED} but got {ending or 'none'}.", param=param)
    if file.bytes > _MAX_BYTES:
        raise BadRequest(
            f"Invalid message content: Expected an image of at most {_MAX_BYTES} bytes, "
            f"but got {file.bytes} bytes.",
            param=param,
        )


def not_an_image(file: File, *, param: str) -> BadRequest:
    """Returns the error for a file whose bytes are not those of an image, whatever its name is."""
    return BadRequest(
        f"{_EXPECTED} but the content of '{file.filename}' is in none of them.",
        param=param,
        code=_CODE,
    )


def is_data_url(url: str) -> bool:
    """Returns true for a URL that has its content in itself."""
    return url[:5].lower() == "data:"


def check_url(url: str, *, param: str) -> None:
    """Raises `BadRequest` for a data URL that holds no image. Other URLs are the model server's."""
    if is_data_url(url) and data_type(url) is None:
        raise BadRequest(
            "Invalid message content: Expected a data URL of a jpeg, png, gif or webp image in "
            "base64, but its data is no such image.",
            param=param,
            code=_CODE,
        )


def data_type(url: str) -> str | None:
    """Returns the media type of the image in a data URL, by its bytes; None if it holds none."""
    comma = url.find(",", 0, _LONGEST_TYPE)
    if comma < 0 or not url[:comma].lower().endswith(";base64"):
        return None
    data = "".join(url[comma + 1 : comma + 1 + _MOST_LOOKED_AT].split())[:_HEAD_CHARS]
    try:
        return image_type(b64decode(data, validate=True))
    except ValueError:
        return None


def retyped(url: str, kind: str) -> str:
    """Returns the data URL with another media type."""
    return f"data:{kind};base64{url[url.index(',') :]}"
