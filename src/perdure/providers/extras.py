"""Fields beside a model server's messages that it needs back with them: reasoning and signatures.

Reasoning is wanted back by DeepSeek, Kimi, GLM and MiniMax, `reasoning_details` by OpenRouter,
signatures by Gemini, and the fields that hold them by routers in front of it. Most other servers
accept or ignore these fields, and some refuse them.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from perdure.wire.base import JsonObject, encode
from perdure.wire.chat import ChatRequest, ChoiceDelta, Extras, Signed, ToolCallDelta

# The bytes of extras that are stored of a round: the reasoning of a hundred thousand tokens and
# more.
MOST_BYTES = 1024 * 1024
_DEEPEST = 50
_OF_CALLS = ("extra_content", "thought_signature", "provider_specific_fields")
_OF_MESSAGES = ("reasoning_content", "reasoning", "reasoning_details", *_OF_CALLS)
# The names of all fields that are kept.
NAMES = frozenset(_OF_MESSAGES)
# The values of this field are of use to routers only if they hold a signature.
_MIXED, _SIGNATURE = "provider_specific_fields", b"thought_signature"
# The fields that come in fragments, of a message and of one of its details. Everything else comes
# whole, and maybe more than once.
_TEXTS = frozenset({"reasoning_content", "reasoning"})
_TEXTS_OF_DETAILS = frozenset({"text", "summary"})


class ExtrasReader:
    """Collects the extras of one response."""

    def __init__(self, server: str, model: str) -> None:
        self._server, self._model = server, model
        self._has_any = False
        self._texts: dict[str, list[str]] = {}
        self._details = _Details()
        self._others: JsonObject = {}

    @property
    def seen(self) -> Collection[str]:
        """The names of the message's extras that have come."""
        details = {"reasoning_details"} if self._details else set()
        return self._texts.keys() | self._others.keys() | details

    def add(self, delta: ChoiceDelta) -> None:
        """Adds the extras of a delta, if it has any."""
        for name, value in _told(delta, _OF_MESSAGES).items():
            self._has_any = True
            if isinstance(value, str) and name in _TEXTS:
                self._texts.setdefault(name, []).append(value)
            elif isinstance(value, list) and name == "reasoning_details":
                self._details.add(value)
            else:
                self._others = merged(self._others, {name: value})

    def note_call(self, fragment: ToolCallDelta) -> None:
        """Notes that a tool call has extras, if this fragment has any."""
        self._has_any = self._has_any or bool(of_fragment(fragment))

    def whole(self) -> Extras | None:
        """Returns all extras of the message; None if neither it nor its tool calls have any."""
        if not self._has_any:
            return None
        message = {
            name: "".join(fragments) for name, fragments in self._texts.items()
        } | self._others
        if self._details:
            message["reasoning_details"] = self._details.whole()
        return Extras(server=self._server, model=self._model, message=message)


def has_any(delta: ChoiceDelta) -> bool:
    """Returns true if a delta may have extras. Called once a token, so it is quick."""
    return bool(
        delta.reasoning_content
        or delta.reasoning
        or delta.reasoning_details
        or delta.extra_content
        or delta.thought_signature
        or delta.provider_specific_fields
    )


def of_fragment(fragment: ToolCallDelta) -> JsonObject:
    """Returns the extras in a fragment of a tool call; those of its function are in `function`."""
    function_ = fragment.function
    if not (_is_signed(fragment) or (function_ and _is_signed(function_))):
        return {}
    found = _told(fragment, _OF_CALLS)
    function = _told(fragment.function, _OF_CALLS) if fragment.function else {}
    return {**found, "function": function} if function else found


def merged(old: JsonObject, new: JsonObject) -> JsonObject:
    """Returns the extras so far together with new ones. Objects are merged field by field."""
    both = {
        name: merged(old[name], value)  # type: ignore[arg-type] # objects, as is looked at below
        for name, value in new.items()
        if isinstance(value, dict) and isinstance(old.get(name), dict)
    }
    return {**old, **new, **both}


def bounded(extras: Extras) -> Extras:
    """Returns the extras to store: at most `MOST_BYTES` of JSON. The largest fields are left out
    whole.
    """
    fields = [("", name, value) for name, value in extras.message.items()]
    for call_id, told in extras.calls.items():
        fields += [(call_id, name, value) for name, value in told.items()]
    sizes = {(owner, name): len(encode(value)) for owner, name, value in fields}
    sizes["", "thinking"] = len(encode(extras.thinking))
    left, kept = MOST_BYTES, set()
    for field in sorted(sizes, key=sizes.__getitem__):
        left -= sizes[field]
        if left >= 0:
            kept.add(field)
    return replace(
        extras,
        message=_chosen(extras.message, "", kept),
        calls={call_id: _chosen(told, call_id, kept) for call_id, told in extras.calls.items()},
        thinking=extras.thinking if ("", "thinking") in kept else "",
    )


def restore(
    messages: Iterable[JsonObject], request: ChatRequest, *, server: str
) -> list[JsonObject]:
    """Returns the messages of a request with the extras that came from this server and model."""
    sent = []
    for body, message in zip(messages, request.messages, strict=True):
        extras = message.extras
        bare = {name: value for name, value in body.items() if name != "extras"}
        if extras and (extras.server, extras.model) == (server, request.model):
            sent.append(_with_extras(bare, extras))
        else:
            sent.append(bare)
    return sent


def without(messages: Iterable[Mapping[str, Any]], field: str) -> list[JsonObject]:
    """Returns the messages without one extra, on them and on their tool calls."""
    bare = []
    for message in messages:
        told = _bare(message, field)
        if calls := message.get("tool_calls"):
            told["tool_calls"] = [
                {**_bare(call, field), "function": _bare(call["function"], field)} for call in calls
            ]
        bare.append(told)
    return bare


class _Detail:
    """A member of `reasoning_details`, which may come in fragments."""

    def __init__(self) -> None:
        self._fields: JsonObject = {}
        self._texts: dict[str, list[str]] = {}

    def goes_on_with(self, fragment: JsonObject) -> bool:
        """Returns false if the fragment is of another member, by its id or its data, which come
        whole.
        """
        return not any(
            self._fields.get(name) and fragment.get(name) and self._fields[name] != fragment[name]
            for name in ("id", "data")
        )

    def add(self, fragment: JsonObject) -> None:
        for name, value in fragment.items():
            if name in _TEXTS_OF_DETAILS and isinstance(value, str):
                self._texts.setdefault(name, []).append(value)
            if value is not None or name not in self._fields:
                self._fields[name] = value

    def whole(self) -> JsonObject:
        return self._fields | {name: "".join(fragments) for name, fragments in self._texts.items()}


class _Details:
    """The members of `reasoning_details`. Fragments of one have the same index and type."""

    def __init__(self) -> None:
        self._members: list[_Detail | object] = []
        self._open: dict[tuple[str, str], _Detail] = {}

    def __bool__(self) -> bool:
        return bool(self._members)

    def add(self, fragments: Iterable[object]) -> None:
        for fragment in fragments:
            if not isinstance(fragment, dict) or fragment.get("index") is None:
                self._members.append(fragment)
                continue
            mark = str(fragment["index"]), str(fragment.get("type"))
            member = self._open.get(mark)
            if member is None or not member.goes_on_with(fragment):
                member = self._open[mark] = _Detail()
                self._members.append(member)
            member.add(fragment)

    def whole(self) -> list[object]:
        return [each.whole() if isinstance(each, _Detail) else each for each in self._members]


def _with_extras(body: JsonObject, extras: Extras) -> JsonObject:
    calls = [
        _with_fields(call, extras.calls.get(call["id"], {}))
        for call in body.get("tool_calls", ())  # type: ignore[attr-defined] # a list of calls
    ]
    known = _known(extras.message)
    return {**body, **known, "tool_calls": calls} if calls else {**body, **known}


def _with_fields(call: JsonObject, fields: JsonObject) -> JsonObject:
    own, beside = call["function"], fields.get("function", {})
    assert isinstance(own, dict)  # noqa: S101 # ours
    assert isinstance(beside, dict)  # noqa: S101 # see `of_fragment`
    return {**call, **_known(fields), "function": {**own, **_known(beside)}}


def _known(fields: JsonObject) -> JsonObject:
    return {name: value for name, value in fields.items() if name in NAMES}


def _bare(fields: Mapping[str, Any], field: str) -> JsonObject:
    return {name: value for name, value in fields.items() if name != field}


def _chosen(fields: JsonObject, owner: str, kept: Collection[tuple[str, str]]) -> JsonObject:
    return {name: value for name, value in fields.items() if (owner, name) in kept}


def _is_signed(beside: Signed) -> bool:
    return bool(beside.extra_content or beside.thought_signature or beside.provider_specific_fields)


def _told(beside: Signed, names: Iterable[str]) -> JsonObject:
    values = ((name, getattr(beside, name)) for name in names)
    # A text that is empty is one all the same, and may be missed.
    found = {name: value for name, value in values if value == "" or (value and _is_flat(value))}
    if _MIXED in found and _SIGNATURE not in encode(found[_MIXED]):
        del found[_MIXED]
    return found


def _is_flat(value: object) -> bool:
    """Returns true if the value is nested no deeper than recursive code can read and write."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _members(outer)]
        if not level:
            return True
    return False


def _members(value: object) -> Collection[object]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
    return ()
