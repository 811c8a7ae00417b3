"""Puts right what model servers write beside the format, so that it is read as it was meant.

Seen: null where nothing was to be said (`choices`, `delta`, a call's `index`, counts, a list of no
models), counts as `2.0`, a call's arguments as an object, its index as a string, its id as a
number, content as a list of parts.
"""

from perdure.wire.base import encode

_DIGITS = 10


def mended(value: object) -> object:
    """The JSON value without nulls, in the types that the format has."""
    match value:
        case dict():
            fields = ((name, _field(name, each)) for name, each in value.items())
            return {name: each for name, each in fields if each is not None}
        case list():
            return [mended(each) for each in value if each is not None]
        case float() if value.is_integer():
            return int(value)
    return value


def _field(name: str, value: object) -> object:
    match name, value:
        case _, None:
            return None
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
    return mended(value)


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < _DIGITS


def _is_text(part: object) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text"), str)
