"""Outputs in the messages of a Jupyter kernel, within the limits of an execution.

The program inside the sandbox reads the messages of its own kernel with it, and the server those of
a gateway's kernel. A message of another shape has no output: whoever forged it only deceives the
reader of their own output. Standard library only.
"""

from collections.abc import Iterable, Iterator, Mapping

from .tally import Tally

IMAGES = ("image/png", "image/jpeg")


def is_idle(kind: object, content: object) -> bool:
    """Returns true if the message says that the kernel has done all."""
    match kind, content:
        case "status", {"execution_state": "idle"}:
            return True
    return False


def outputs(kind: object, content: object, tally: Tally) -> Iterator[dict[str, str]]:
    """Yields the outputs in a message as frames of `channel.py`: of the types `text`, `error` and
    `image`, the image in base64. They are counted by `tally`, and cut to what is left.
    """
    match kind, content:
        case "stream", {"name": "stdout" | "stderr" as name, "text": str(text)}:
            yield from texts(name, text, tally)
        case "error", {"traceback": [*lines]}:
            yield from _frames(tally.repeats.flush(), tally)
            raised = tally.error("\n".join(str(line) for line in lines))
            if raised is not None:
                yield {"type": "error", "text": raised}
        case "display_data" | "execute_result" | "update_display_data", {"data": {**data}}:
            yield from _frames(tally.repeats.flush(), tally)
            yield from _display(data, tally)


def texts(stream: str, text: str, tally: Tally) -> Iterator[dict[str, str]]:
    """Yields a text as a frame, without its repeats and as far as it is within the limit."""
    yield from _frames([(stream, tally.repeats.feed(stream, text))], tally)


def rest(tally: Tally) -> Iterator[dict[str, str]]:
    """Yields what is left to tell at the end of an execution, and what was left out."""
    yield from _frames(tally.repeats.finish(), tally)
    if note := tally.note():
        yield {"type": "text", "stream": "note", "text": note}


def _frames(told: Iterable[tuple[str, str]], tally: Tally) -> Iterator[dict[str, str]]:
    for stream, text in told:
        if text and (kept := tally.fit(text)):
            yield {"type": "text", "stream": stream, "text": kept}


def _display(data: Mapping[object, object], tally: Tally) -> Iterator[dict[str, str]]:
    for mime in IMAGES:
        image = data.get(mime)
        if isinstance(image, str):
            if tally.takes(image):
                yield {"type": "image", "mime": mime, "data": image}
            return
    text = data.get("text/plain")
    if isinstance(text, str):
        yield from texts("result", text + "\n", tally)
