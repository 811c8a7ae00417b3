"""Filter of a sandbox's output: it is made fit to be stored and shown, or refused."""

import base64
import binascii
import re

from perdure.image_types import image_type
from perdure.marks import CONTROLS, DIRECTIONS, HALVES
from perdure.sandbox.inside.files import is_presentable

_ESCAPES = re.compile(
    # operating system commands and the like, up to their end; control sequences; two-character ones
    r"\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]"
)
# all but tab and the line ends
_UNSEEN = re.compile(rf"(?![\t\n\r])[{CONTROLS}{DIRECTIONS}{HALVES}]")
# text that may go on in the next fragment: a line end, or an escape that has not come to its end
_UNFINISHED = re.compile(r"(?:\r|\x1b(?:[\]PX^_][^\x07\x1b]*\x1b?|\[[0-?]*[ -/]*|[ -/]*))\Z")
_LONGEST_UNFINISHED = 1024
# of a path, and of each of its parts
_LONGEST_NAME, _LONGEST_PART = 1024, 255


def clean_text(said: str) -> str:
    """Returns a text without terminal escapes, control characters and marks that turn the direction
    of writing, with the line ends of Unix.
    """
    return _UNSEEN.sub("", _ESCAPES.sub("", said)).replace("\r\n", "\n")


class Streams:
    """Filter of the texts of one execution. Those of `stdout` and `stderr` are filtered as if they
    had come at once, since they are cut anywhere, in the middle of an escape, too. An unfinished
    escape at their end is left out.
    """

    def __init__(self) -> None:
        self._unfinished = {"stdout": "", "stderr": ""}

    def feed(self, stream: str, said: str) -> str:
        """Returns the text of the stream that can be shown now."""
        if stream not in self._unfinished:
            return clean_text(said)
        said = self._unfinished[stream] + said
        found = _UNFINISHED.search(said)
        end = found.start() if found else len(said)
        if len(said) - end > _LONGEST_UNFINISHED:
            end = len(said)
        self._unfinished[stream] = said[end:]
        return clean_text(said[:end])


def decode_image(mime: str, data: str, *, most: int) -> bytes | None:
    """Returns the content of a picture in base64; None if it is none, or is larger than `most`
    bytes.
    """
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if len(content) <= most and image_type(content) == mime else None


def is_name(name: str) -> bool:
    """Returns true if this names a file below a folder, and can be shown as it is."""
    return (
        is_presentable(name)
        and len(name.encode()) <= _LONGEST_NAME
        and all(
            part not in ("", ".", "..") and len(part.encode()) <= _LONGEST_PART
            for part in name.split("/")
        )
    )
