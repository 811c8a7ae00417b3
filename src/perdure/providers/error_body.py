"""How model servers write an error down, as the body of a refusal or in the midst of an answer.

Seen: `{"error": {…}}`, `{"error": "…"}`, the error itself, a list of either, `errors`, `detail`,
a code as a string or under `status`, and what the server behind a router said in `metadata.raw`.
"""

import re

from perdure.wire.base import JsonObject, encode

# Where the words are, the best place first.
_WORDS = ("message", "detail", "msg", "error_message", "error_msg", "finish_message", "errors",
          "error_description", "error", "description", "reason", "title")  # fmt: skip
_KINDS = ("object", "type", "status", "event", "level")
_CODES = ("code", "status", "status_code", "error_code")
_FAILURE = re.compile(r"error|fail|exception", re.IGNORECASE)


def unwrapped(document: object) -> JsonObject:
    """The object that says what went wrong, out of whatever it is wrapped in; empty for none."""
    match document:
        case str():
            return {"message": document}
        case [first, *_]:
            return unwrapped(first)
        case {"error": dict() | list() as inner} if inner:
            return unwrapped(inner)
        case {"errors": list() as inner} if inner:
            return unwrapped(inner)
        case dict():
            return document
    return {}


def words(error: JsonObject) -> str:
    """What it says for people; of a router's error also what the server behind it said."""
    said = next((error[name] for name in _WORDS if error.get(name)), "")
    text = said if isinstance(said, str) else encode(said).decode()
    match error.get("metadata"):
        case {"raw": str() as raw} if raw and raw not in text:
            return f"{text}: {raw}" if text else raw
    return text


def code(error: JsonObject) -> str:
    """Its code, or else its type; a number is a status and only used where there is no other."""
    found = [str(error[name]) for name in ("code", "type") if error.get(name)]
    named = [each for each in found if not each.isdecimal()]
    return next(iter([*named, *found]), "")


def status(error: JsonObject) -> int:
    """The status of HTTP that it gives; 0 for none."""
    for name in _CODES:
        number = str(error.get(name, ""))
        if len(number) == 3 and number.isdecimal() and "400" <= number < "600":
            return int(number)
    return 0


def is_error(document: JsonObject) -> bool:
    """Whether this, in the place of a piece of an answer, can be nothing but an error."""
    if any(document.get(name) for name in ("error", "errors", "error_message", "error_msg")):
        return True
    if document.get("choices"):
        return False
    kinds = (document.get(name) for name in _KINDS)
    if any(isinstance(kind, str) and _FAILURE.search(kind) for kind in kinds):
        return True
    return status(document) > 0


def is_telling(document: JsonObject) -> bool:
    """Whether this says something for people, and may be an error."""
    return any(isinstance(document.get(name), str) for name in ("message", "detail", "msg"))
