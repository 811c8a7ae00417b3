"""Parsing of the errors of model servers, from the body of a refusal or from within a response.

Seen: `{"error": {…}}`, `{"error": "…"}`, the error itself, a list of either, `errors`, `detail`, a
list of errors by field, a code as a string or under `status`, the error of the server behind a
router in `metadata.raw`, a line of plain text, and a page of HTML.
"""

import re
from html import unescape
from typing import Any

import msgspec

from perdure.wire.base import JsonObject, encode

# The fields of the text, the best first.
_WORDS = ("message", "detail", "msg", "error_message", "error_msg", "finish_message", "errors",
          "error_description", "error", "description", "reason", "title")  # fmt: skip
_KINDS = ("object", "type", "status", "event", "level")
_CODES = ("code", "status", "status_code", "error_code")
_FAILURE = re.compile(r"error|fail|exception", re.IGNORECASE)
# A page is read for its text alone.
_PAGE = re.compile(r"\s*<(?:!doctype|html|head|body|h\d|p|pre|center)\b", re.IGNORECASE)
# The beginnings of invisible parts of a page.
_UNSEEN = re.compile(r"<(?:(?P<name>script|style|title)\b|!--)", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,2000}>")
# As much of a page is read: its words stand in the beginning.
_MOST_OF_PAGE = 16 * 1024
_DEEPEST = 8


def read(body: bytes) -> object:
    """Returns the JSON of a body, or its text if it is no JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    text = body.decode(errors="replace")
    if _PAGE.match(text):
        text = unescape(_TAG.sub(" ", _seen(text[:_MOST_OF_PAGE])))
        return " ".join(text.split())
    return text.strip()


def unwrapped(document: object) -> JsonObject:
    """Returns the object that describes the error, without its wrapping; empty if there is none."""
    match document:
        case str():
            return {"message": document}
        case [{"loc": _}, *_]:
            return {"detail": document}
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
    """Returns the error's text for people. Of a router's error it includes that of the server
    behind it.
    """
    said = _said(error)
    text = "; ".join(_clauses(said, _DEEPEST)) or _written(said)
    match error.get("metadata"):
        case {"raw": str() as raw} if raw and raw not in text:
            return f"{text}: {raw}" if text else raw
    return text


def clauses(error: JsonObject) -> tuple[str, ...]:
    """Returns the error's text for people, one entry for each thing that is wrong."""
    found = _clauses(_said(error), _DEEPEST)
    return tuple(found) if len(found) > 1 else (words(error),)


def code(error: JsonObject) -> str:
    """Returns the error's code, or else its type. A number is a status, and only used if there is
    no other.
    """
    found = [str(error[name]) for name in ("code", "type") if error.get(name)]
    named = [each for each in found if not each.isdecimal()]
    return next(iter([*named, *found]), "")


def status(error: JsonObject) -> int:
    """Returns the HTTP status that the error gives; 0 if none."""
    for name in _CODES:
        number = str(error.get(name, ""))
        if len(number) == 3 and number.isdecimal() and "400" <= number < "600":
            return int(number)
    return 0


def is_error(document: JsonObject) -> bool:
    """Returns true if a document in the place of a fragment can only be an error."""
    if any(document.get(name) for name in ("error", "errors", "error_message", "error_msg")):
        return True
    if document.get("choices"):
        return False
    kinds = (document.get(name) for name in _KINDS)
    if any(isinstance(kind, str) and _FAILURE.search(kind) for kind in kinds):
        return True
    return status(document) > 0


def is_telling(document: JsonObject) -> bool:
    """Returns true if a document has text for people, and so may be an error."""
    return any(isinstance(document.get(name), str) for name in ("message", "detail", "msg"))


def _said(error: JsonObject) -> Any:
    """Returns the value that holds the error's text; empty if there is none."""
    return next((error[name] for name in _WORDS if error.get(name)), "")


def _seen(page: str) -> str:
    """Returns a page without its scripts, styles, title and comments. Takes time by its length."""
    lower, kept, at = page.lower(), [], 0
    while (found := _UNSEEN.search(page, at)) is not None:
        kept.append(page[at : found.start()])
        end = f"</{found['name'].lower()}" if found["name"] else "--"
        at = lower.find(end, found.end())
        if at < 0:
            return " ".join(kept)
        at = page.find(">", at) + 1 or len(page)
    return " ".join([*kept, page[at:]])


def _clauses(said: Any, deepest: int) -> list[str]:
    """Returns one text for each field, in the form of pydantic and of libraries like it, without
    the value that was sent.
    """
    match said:
        case str():
            return [said]
        case {"loc": list() as place}:
            told = str(said.get("msg") or said.get("type") or "it is wrong")
            path = ".".join(str(part) for part in place if part != "body")
            return [f"{path}: {told}" if path else told]
        case dict() if deepest:
            inner = _said(said)
            return _clauses(inner, deepest - 1) if inner else []
        case list() if deepest:
            return [clause for each in said for clause in _clauses(each, deepest - 1)]
    return []


def _written(said: object) -> str:
    return said if isinstance(said, str) else encode(said).decode()
