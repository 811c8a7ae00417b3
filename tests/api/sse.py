"""Reads server-sent events the plain way."""

import json
from typing import Any, NamedTuple


class Told(NamedTuple):
    name: str
    data: Any
    id: str = ""


def events(text: str) -> list[Told]:
    """The events of a whole stream; `[DONE]` stays a string."""
    frames = [frame for frame in text.split("\n\n") if frame and not frame.startswith(":")]
    return [_told(dict(line.split(": ", 1) for line in frame.split("\n"))) for frame in frames]


def names(text: str) -> list[str]:
    return [told.name for told in events(text)]


def _told(fields: dict[str, str]) -> Told:
    data = fields["data"]
    payload = data if data == "[DONE]" else json.loads(data)
    return Told(fields["event"], payload, fields.get("id", ""))
