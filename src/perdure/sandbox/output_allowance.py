"""Limits on the frames of a program inside, which the host enforces.

The program keeps the same limits itself. One that exceeds them is no longer ours. Each frame costs
the host work, so an empty one counts as well.
"""

from perdure.sandbox import output_filter
from perdure.sandbox.channel import Broken, ErrorFrame, Frame, ImageFrame, TextFrame
from perdure.sandbox.inside.tally import LEAST_BYTES
from perdure.sandbox.sandbox import Error, Image, Output, SessionLimits, Text

# our notes and the last message, beyond the text of the code
_NOTES_BYTES = 4096
# a file comes in blocks of a MiB, but for its last
_LEAST_BLOCK_BYTES = 4096


class OutputAllowance:
    """The output that one execution may still send."""

    def __init__(self, limits: SessionLimits) -> None:
        self._text = limits.text_bytes + _NOTES_BYTES
        self._images = limits.images
        self._image_bytes = limits.image_bytes
        self._streams = output_filter.Streams()

    def output(self, frame: Frame | bytes) -> Output:
        """Returns the output in a frame. Raises `Broken` for a frame beyond the limits."""
        match frame:
            case TextFrame(stream=stream, text=text):
                self._count(text)
                return Text(self._streams.feed(stream, text), stream)
            case ErrorFrame(text=text):
                self._count(text)
                return Error(output_filter.clean_text(text))
            case ImageFrame(mime=mime, data=data):
                self._images -= 1
                if self._images < 0:
                    raise Broken("more images than it may show")
                content = output_filter.decode_image(mime, data, most=self._image_bytes)
                if content is None:
                    return Text("[An image was left out: it is none, or too large.]\n", "note")
                return Image(mime, content)
        raise Broken(f"{type(frame).__name__} in mid-execution")

    def _count(self, text: str) -> None:
        self._text -= max(len(text.encode()), LEAST_BYTES)
        if self._text < 0:
            raise Broken("more text than it may show")


class TransferAllowance:
    """The bytes that one file may still send. `seconds`: the time that they may still take."""

    def __init__(self, limits: SessionLimits, *, seconds: float) -> None:
        self._bytes = limits.disk_bytes
        self.seconds = seconds

    def add(self, frame: Frame | bytes, *, waited: float) -> None:
        """Counts a block of the file. Raises `Broken` beyond the limits."""
        self.seconds -= waited
        if isinstance(frame, bytes):
            if not frame:
                raise Broken("a piece of a file with nothing in it")
            if len(frame) > self._bytes:
                raise Broken("a file that is larger than it may be")
            self._bytes -= max(len(frame), _LEAST_BLOCK_BYTES)
