"""Repairs of model servers' deviations from the format of chat completions.

Seen: null where nothing was to be said (`choices`, `delta`, a call's `index`, a list of no models),
a call's arguments as an object, its index as a string, its id as a number, content as a list of
parts, the message so far or the whole one in the place of a delta, `text` as of completions, a
`function_call` as of before there were tools, a finish reason as an object with words.
"""

from collections.abc import Collection
from typing import NamedTuple

from perdure.providers import extras
from perdure.providers.error_body import unwrapped
from perdure.wire.base import JsonObject, encode

_DIGITS = 10


def repair_value(value: object) -> object:
    """Returns the JSON value without nulls, in the types that the format has."""
    match value:
        case dict():
            fields = ((name, _field(name, each)) for name, each in value.items())
            return {name: each for name, each in fields if each is not None}
        case list():
            return [repair_value(each) for each in value if each is not None]
        case float() if value.is_integer():
            return int(value)
    return value


class SoFar(NamedTuple):
    """The state of a response: its text; true if that came in messages and not in deltas; true if
    there was more than text; the names of the message's extras.
    """

    text: str
    in_messages: bool
    more: bool
    extras: Collection[str]


def delta(choice: JsonObject, so_far: SoFar) -> JsonObject | None:
    """Returns what a choice adds to its response; None if it has no field for that."""
    if not any(name in choice for name in ("delta", "message", "text")):
        return None
    found, message = dict(_object(choice, "delta")), _object(choice, "message")
    text = message.get("content") or choice.get("text")
    if text and not found.get("content"):
        found["content"] = _unsaid(text, so_far)
    called = found.get("function_call")
    if not so_far.more:
        called = called or message.get("function_call")
        found["refusal"] = found.get("refusal") or message.get("refusal")
        found["tool_calls"] = found.get("tool_calls") or _numbered(message.get("tool_calls"))
    for name in extras.NAMES & message.keys() - so_far.extras:
        found.setdefault(name, message[name])
    if called and not found.get("tool_calls"):
        found["tool_calls"] = [{"index": 0, "function": called}]
    return found


def finish_reason(choice: JsonObject, *, is_whole: bool) -> tuple[str, JsonObject]:
    """Returns the finish reason of a choice in the server's words, and the details that came with
    it.

    `is_whole`: the choice is the whole response, and needs no reason.
    """
    told: JsonObject = {}
    reason = choice.get("finish_reason")
    if isinstance(reason, dict):
        told = {**reason}
        reason = told.get("type")
    if choice.get("finish_message"):
        told = {**told, "message": choice["finish_message"]}
    if choice.get("error"):
        reason, told = "error", {**told, **unwrapped(choice["error"])}
    if not reason:
        return "stop" if is_whole and "message" in choice else "", told
    return str(reason), told


def _object(choice: JsonObject, name: str) -> JsonObject:
    value = repair_value(choice.get(name) or {})
    if isinstance(value, dict):
        return value
    raise ValueError(f"{name} is no object")


def _unsaid(text: object, so_far: SoFar) -> object:
    """Returns the new text of a message. Some servers send all text so far each time, some a
    fragment each time, some the whole once more after its deltas, maybe in other words.
    """
    if not isinstance(text, str) or not so_far.text:
        return text
    if text.startswith(so_far.text):
        return text.removeprefix(so_far.text)
    return text if so_far.in_messages else None


def _numbered(calls: object) -> object:
    """Returns the tool calls of a message with their places as `index`."""
    if not isinstance(calls, list):
        return calls
    return [{**call, "index": place} for place, call in enumerate(calls)]


def _field(name: str, value: object) -> object:
    match name, value:
        case _, None:
            return None
        case name, value if name in extras.NAMES:
            # It goes back as it came.
            return value
        case "arguments", value if not isinstance(value, str):
            return encode(value).decode()
        case "content", list(parts):
            # Parts that are no text are thoughts, which nobody has a place for.
            return "".join(part["text"] for part in parts if _is_text(part))
        case "index", str(digits):
            return int(digits) if _is_number(digits) else None
        case "index", value if isinstance(value, bool | list | dict):
            return None
        case "id", value if not isinstance(value, str):
            return str(value) if type(value) is int else None
        case "name", value if not isinstance(value, str):
            return None
        case "function", value if not isinstance(value, dict):
            return None
    return repair_value(value)


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < _DIGITS


def _is_text(part: object) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text"), str)
