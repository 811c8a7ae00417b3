"""Outputs of an execution in a gateway's kernel, within limits: `inside/messages.py` reads them."""

from collections import deque
from collections.abc import Mapping

import msgspec

from perdure.sandbox import output_filter
from perdure.sandbox.gateway.kernel_socket import KernelMessage
from perdure.sandbox.inside import messages
from perdure.sandbox.inside.tally import Tally
from perdure.sandbox.sandbox import Error, Image, Output, SessionLimits, Text


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

    def finish(self) -> None:
        """Adds what is left to tell, and what was left out."""
        for frame in messages.rest(self._tally):
            self._add(frame)

    def add(self, message: KernelMessage) -> None:
        """Adds the outputs in a message, if it has any."""
        if (message.channel, message.kind) == ("shell", "execute_reply"):
            self.replied = True
        if message.channel != "iopub":
            return
        try:
            content = msgspec.json.decode(message.content)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return
        self.idle = self.idle or messages.is_idle(message.kind, content)
        if message.kind == "stream" and self._mark:
            content = self._before_mark(content)
        for frame in messages.outputs(message.kind, content, self._tally):
            self._add(frame)

    def _before_mark(self, content: object) -> object:
        """Returns the content without what comes after the mark; None behind it."""
        match content:
            case {"name": str(name), "text": str(text)} if name in self.waiting:
                text, found, _ = text.partition(self._mark)
                if found:
                    self.waiting.remove(name)
                return {"name": name, "text": text}
        return None

    def _add(self, frame: Mapping[str, str]) -> None:
        match frame:
            case {
                "type": "text",
                "stream": "stdout" | "stderr" | "result" | "note" as stream,
                "text": text,
            }:
                if kept := self._streams.feed(stream, text):
                    self.outputs.append(Text(kept, stream))
            case {"type": "error", "text": text}:
                self.outputs.append(Error(output_filter.clean_text(text)))
            case {"type": "image", "mime": "image/png" | "image/jpeg" as mime, "data": data}:
                content = output_filter.decode_image(mime, data, most=self._most)
                if content is None:
                    note = "[An image was left out: it is none, or too large.]\n"
                    self.outputs.append(Text(note, "note"))
                else:
                    self.outputs.append(Image(mime, content))
