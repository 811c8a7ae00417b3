"""What comes out of a sandbox, made fit to be stored and shown; what cannot be is refused."""

import base64
import binascii
import re

_ESCAPES = re.compile(
    # operating system commands and the like, up to their end; control sequences; two-character ones
    r"\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]"
)
# all control characters but tab and the line ends
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LONGEST_NAME = 1024
_BEGINNINGS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


def text(said: str) -> str:
    """Without terminal escapes and control characters, and with the line ends of Unix."""
    return _CONTROLS.sub("", _ESCAPES.sub("", said)).replace("\r\n", "\n")


def image(mime: str, data: str, *, most: int) -> bytes | None:
    """The content of a picture in base64; None if it is none, or is larger than `most` bytes."""
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if len(content) <= most and content.startswith(_BEGINNINGS[mime]) else None


def is_name(name: str) -> bool:
    """Whether this names a file below a folder, and can be shown as it is."""
    parts = name.split("/")
    return (
        name.isprintable()
        and len(name.encode()) <= _LONGEST_NAME
        and not any(part in ("", ".", "..") for part in parts)
    )
