"""Reads server-sent events the plain way."""

import json
from typing import Any, NamedTuple


class Told(NamedTuple):
    name: str
    data: Any


def events(text: str) -> list[Told]:
    """The events of a whole stream; `[DONE]` stays a string."""
    frames = [frame for frame in text.split("\n\n") if frame and not frame.startswith(":")]
    told = []
    for frame in frames:
        event, data = frame.split("\n")
        payload = data.removeprefix("data: ")
        told.append(
            Told(
                event.removeprefix("event: "),
                payload if payload == "[DONE]" else json.loads(payload),
            )
        )
    return told


def names(text: str) -> list[str]:
    return [told.name for told in events(text)]
