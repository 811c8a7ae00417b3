"""Outputs of an execution in a gateway's kernel, made of Jupyter's messages, within limits.

A message of another shape is ignored: whoever forged it only deceives the reader of their own
output.
"""

from collections import deque
from collections.abc import Iterator
from typing import Literal

import msgspec

from perdure.sandbox import output_filter
from perdure.sandbox.gateway.kernel_socket import KernelMessage, Status
from perdure.sandbox.inside.tally import Tally
from perdure.sandbox.sandbox import Error, Image, Output, SessionLimits, Text


class _Stream(msgspec.Struct):
    name: Literal["stdout", "stderr"]
    text: str


class _Raised(msgspec.Struct):
    traceback: list[str]


class _Display(msgspec.Struct):
    data: dict[str, msgspec.Raw]


class ExecutionOutputs:
    """The outputs of one execution that have not been read yet. They are never more than an
    execution may show, so the kernel need not be slowed down.
    """

    def __init__(self, limits: SessionLimits) -> None:
        self.outputs: deque[Output] = deque()
        self.replied = self.idle = False
        # streams in which the mark has not come yet
        self.waiting: set[str] = set()
        self._mark = ""
        self._most = limits.image_bytes
        self._streams = output_filter.Streams()
        self._tally = Tally(
            text_bytes=limits.text_bytes, images=limits.images, image_bytes=limits.image_bytes
        )

    def stop_at(self, mark: str) -> None:
        """Ignores everything after a mark in each stream from now on."""
        self._mark = mark
        self.waiting = {"stdout", "stderr"}

    def note(self) -> Iterator[Text]:
        """Yields a note of what was left out, if anything was."""
        if self._tally.cut or self._tally.dropped:
            yield Text(self._tally.note(), "note")

    def add(self, message: KernelMessage) -> None:
        """Adds the output in a message, if it has any."""
        try:
            self._add(message)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return

    def _add(self, message: KernelMessage) -> None:
        match message.channel, message.kind:
            case "shell", "execute_reply":
                self.replied = True
            case "iopub", "status":
                status = msgspec.json.decode(message.content, type=Status)
                self.idle = self.idle or status.execution_state == "idle"
            case "iopub", "stream":
                self._stream(msgspec.json.decode(message.content, type=_Stream))
            case "iopub", "error":
                raised = msgspec.json.decode(message.content, type=_Raised)
                text = self._tally.error("\n".join(raised.traceback))
                if text is not None:
                    self.outputs.append(Error(output_filter.clean_text(text)))
            case "iopub", "display_data" | "execute_result" | "update_display_data":
                self._display(msgspec.json.decode(message.content, type=_Display))

    def _stream(self, stream: _Stream) -> None:
        text = stream.text
        if self._mark:
            text, found, _ = text.partition(self._mark)
            if stream.name not in self.waiting:
                return
            if found:
                self.waiting.remove(stream.name)
        self._text(text, stream.name)

    def _display(self, display: _Display) -> None:
        image: Literal["image/png", "image/jpeg"]
        for image in ("image/png", "image/jpeg"):
            if image in display.data:
                self._image(image, msgspec.json.decode(display.data[image], type=str))
                return
        if "text/plain" in display.data:
            self._text(msgspec.json.decode(display.data["text/plain"], type=str) + "\n", "result")

    def _image(self, mime: Literal["image/png", "image/jpeg"], data: str) -> None:
        if not self._tally.takes(data):
            return
        content = output_filter.decode_image(mime, data, most=self._most)
        if content is None:
            self.outputs.append(
                Text("[An image was left out: it is none, or too large.]\n", "note")
            )
        else:
            self.outputs.append(Image(mime, content))

    def _text(self, text: str, stream: Literal["stdout", "stderr", "result"]) -> None:
        kept = self._streams.feed(stream, self._tally.fit(text))
        if kept:
            self.outputs.append(Text(kept, stream))
