"""Puts right what model servers write beside the format, so that it is read as it was meant.

Seen: null where nothing was to be said (`choices`, `delta`, a call's `index`, counts, a list of no
models), counts as `2.0`, a call's arguments as an object, content as a list of parts.
"""

from perdure.wire.base import encode


def mended(value: object) -> object:
    """The JSON value without nulls, in the types that the format has."""
    match value:
        case dict():
            return {name: _field(name, each) for name, each in value.items() if each is not None}
        case list():
            return [mended(each) for each in value if each is not None]
        case float() if value.is_integer():
            return int(value)
    return value


def _field(name: str, value: object) -> object:
    if name == "arguments" and not isinstance(value, str):
        return encode(value).decode()
    if name == "content" and isinstance(value, list):
        # Parts that are no text are thoughts, which nobody has a place for.
        return "".join(part["text"] for part in value if _is_text(part))
    return mended(value)


def _is_text(part: object) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text"), str)
