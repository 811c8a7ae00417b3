"""Changes that are made to a request because a model server refuses it otherwise. No other module
shapes requests for a server.

Each adjustment is a function of the request's JSON, with the words of the refusal that calls for
it. A new server needs one more entry of `ADJUSTMENTS`, and one more row of the tests
(`tests/model_servers/refusals.py`), which `docs/model-servers.md` is printed from.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from perdure.providers import extras, message_order, too_long, tools_required
from perdure.providers.refusals import Refusal
from perdure.wire.chat import ChatChunk, ChatRequest

# The JSON of a request, which is read and never changed.
Body = Mapping[str, Any]

# The names that more than this list has to know.
SHOW_TOOLS = "tools that must not be called"
SHORT_IDS = "call ids of nine letters and digits"
CHOICE_IN_A_WORD = "tool_choice in a word"
OTHER_CAP = "max_completion_tokens for max_tokens"
ALTERNATE_ROLES = "user and assistant in turns"
USER_LAST = "a user message at the end"

# Not every server knows these; a run can do without them.
_OPTIONAL = (
    "stream_options",
    "parallel_tool_calls",
    "reasoning_effort",
    "temperature",
    "top_p",
)
_NO_SYSTEM = re.compile(
    r"system (?:role|message|prompt|instruction)s? (?:is |are )?"
    r"(?:not|un)[ -]?(?:supported|allowed)"
    r"|(?:not|n't) support (?:the )?['\"`]?(?:system|developer)\b"
    r"|developer instruction is not enabled|got ['\"`]?system\b"
    r"|(?:unknown|unexpected|invalid|unsupported) (?:message )?role:? ['\"`]?(?:system|developer)\b"
    r"|only user and assistant roles are supported(?!, with the exception of an initial)"
    r"|role ['\"`]?(?:system|developer)['\"`]? (?:is )?(?:not|un)[ -]?(?:supported|allowed)"
    r"|\bmessages?\W{0,2}0\W{1,2}role\b",
    re.IGNORECASE,
)
_ALTERNATE = re.compile(
    r"\balternat(?:e|es|ing|ion)\b|(?:successive|consecutive) (?:user|assistant)"
    r"|(?:two|2) or more (?:user|assistant) messages|interleave the user",
    re.IGNORECASE,
)
_ORDER = re.compile(
    rf"{_ALTERNATE.pattern}|first message (?:must|should)"
    r"|(?:must|should) (?:start|begin) with (?:a |the )?user"
    r"|unexpected role ['\"`]?(?:user|assistant|tool)|no user (?:query|message)"
    r"|\b(?:messages|contents)['\"`]? (?:is|are|(?:must|should|can) ?not be|must be) "
    r"(?:required|empty|not specified|non-?empty)"
    r"|(?:at least|minimum of) (?:one|1) (?:user )?message|\[\] is too short|invalid turn order",
    re.IGNORECASE,
)
_LAST = re.compile(
    r"(?:last (?:role|message)|end(?:s|ed)? with).{0,40}\buser\b|\bprefill"
    r"|assistant messages at the end|last message (?:cannot|must not|can't) be",
    re.IGNORECASE,
)
_CALL_IDS = re.compile(
    r"tool.?call.?ids?\b.{0,200}(?:must|should|length)|tool_use(?:_id|\.id)\b.{0,80}(?:pattern|match)"
    r"|tool_calls?\b.{0,40}\bid\b.{0,60}(?:too long|maximum length|pattern)",
    re.IGNORECASE | re.DOTALL,
)
_ONE_CALL = re.compile(
    r"supports? (?:only )?(?:a )?single tool.?calls?|only (?:one|single) tool.?call", re.IGNORECASE
)
_BOTH = re.compile(
    r"temperature\b.{0,20}\btop_p\b.{0,40}\bboth\b|\bboth\b.{0,40}\btemperature\b.{0,20}\btop_p\b",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"\btool[_ ]?choice\b", re.IGNORECASE)
_EMPTY = re.compile(
    r"(?:content|text)\b.{0,40}"
    r"(?:non-?empty|non-?whitespace|(?:not|n't|cannot) be (?:empty|blank))",
    re.IGNORECASE,
)


class Learnt(NamedTuple):
    """An adjustment that was learnt for a model of a server, and when, in Unix seconds. `server` is
    its base URL as messages show it, `name` that of the adjustment.
    """

    server: str
    model: str
    name: str
    learnt_at: int


class Adjustment(NamedTuple):
    """A change to a request. `name` is stored to remember it. `wanted` returns true if a refusal of
    a body calls for it. `change` makes it.
    """

    name: str
    wanted: Callable[[Refusal, Body], bool]
    change: Callable[[Body], Body]


def plain_body(request: ChatRequest, server: str) -> Body:
    """Returns the request as it is sent to a server that no adjustment is known for."""
    body = msgspec.to_builtins(request)
    for tool in body.get("tools", ()):
        # False is what everybody takes a function for that says nothing.
        if not tool["function"]["strict"]:
            del tool["function"]["strict"]
    messages = extras.restore(body["messages"], request, server=server)
    return {
        "stream": True,
        "stream_options": {"include_usage": True},
        **body,
        "messages": messages,
    }


def adjust(plain: Body, known: Collection[str]) -> Body:
    """Returns the request with the adjustments of these names.

    Tools are left out where none may be called: some servers ignore `tool_choice`.
    """
    if SHOW_TOOLS not in known and plain.get("tool_choice") == "none":
        plain = _less(plain, "tools", "tool_choice", "parallel_tool_calls")
    body = plain
    for adjustment in ADJUSTMENTS:
        if adjustment.name in known:
            body = adjustment.change(body)
    return body


def encoded(body: Body) -> bytes:
    """Returns the bytes of a request, as they are sent."""
    return msgspec.json.encode(body)


def sent_again(request: ChatRequest, server: str, known: Collection[str]) -> Body:
    """Returns the body of a request as it is sent to a server with the adjustments of these names.
    Names that are not known (any more) change nothing.
    """
    return adjust(plain_body(request, server), known)


def needed_for(refusal: Refusal, plain: Body, known: Collection[str]) -> frozenset[str]:
    """Returns the names of the adjustments that a refusal calls for. Adjustments that are known, or
    that would not change the request, are left out.
    """
    if too_long.says_so(refusal.text, refusal.code):
        return frozenset()  # it names this and that, and wants less of it
    sent = adjust(plain, known)
    return frozenset(
        each.name
        for each in ADJUSTMENTS
        if each.name not in known
        and each.wanted(refusal, sent)
        and adjust(plain, {*known, each.name}) != sent
    )


def original_call_ids(plain: Body, known: Collection[str]) -> dict[str, str]:
    """Returns the original id of each tool call by the id that is sent to the server in its place;
    empty if none was replaced.
    """
    if SHORT_IDS not in known:
        return {}
    short = message_order.short_ids(plain["messages"])
    return {made: own for own, made in short.items() if made != own}


def with_original_call_ids(
    feed: Callable[[bytes], Iterable[ChatChunk]], ids: Mapping[str, str]
) -> Callable[[bytes], Iterable[ChatChunk]]:
    """Wraps `feed` of a response whose request had other ids of tool calls: the model may repeat
    one of them, and the original is put in its place.
    """

    def read(received: bytes) -> Iterable[ChatChunk]:
        for chunk in feed(received):
            for choice in chunk.choices:
                calls = choice.delta.tool_calls or []
                for place, fragment in enumerate(calls):
                    if own := ids.get(fragment.id or ""):
                        calls[place] = replace(fragment, id=own)
            yield chunk

    return read


def _less(body: Body, *names: str) -> Body:
    return {name: value for name, value in body.items() if name not in names}


def _without(parameter: str) -> Adjustment:
    return Adjustment(
        f"without {parameter}",
        lambda refusal, _: refusal.names(parameter),
        lambda body: _less(body, parameter),
    )


def _without_extra(field: str) -> Adjustment:
    """An adjustment that leaves out one of the extras: some servers refuse their own."""
    return Adjustment(
        f"without {field} in messages",
        lambda refusal, _: refusal.bars(field),
        lambda body: {**body, "messages": extras.without(body["messages"], field)},
    )


def _of_messages(
    name: str,
    wanted: Callable[[Refusal, Body], bool],
    change: Callable[[Sequence[message_order.Message]], list[message_order.Message]],
) -> Adjustment:
    return Adjustment(name, wanted, lambda body: {**body, "messages": change(body["messages"])})


def _in_words(words: re.Pattern[str]) -> Callable[[Refusal, Body], bool]:
    return lambda refusal, _: refusal.says(words)


def _lacks_system(refusal: Refusal, body: Body) -> bool:
    """Returns true if the server takes no system message. That is also meant where it complains of
    the order of roles although they alternate: its template counts the instructions as one of them.
    """
    if refusal.says(_NO_SYSTEM):
        return True
    return (
        refusal.says(_ALTERNATE) and message_order.alternating(body["messages"]) == body["messages"]
    )


def _not_strict(body: Body) -> Body:
    tools = [
        {**tool, "function": _less(tool["function"], "strict")} for tool in body.get("tools", ())
    ]
    return {**body, "tools": tools} if tools else body


def _choice_in_a_word(body: Body) -> Body:
    """Offers only the function that is to be called, and requires a call."""
    choice = body.get("tool_choice")
    if not isinstance(choice, dict):
        return body
    chosen = choice["function"]["name"]
    tools = [tool for tool in body["tools"] if tool["function"]["name"] == chosen]
    return {**body, "tools": tools, "tool_choice": "required"}


def _other_cap(body: Body) -> Body:
    if "max_tokens" not in body:
        return body
    return {**_less(body, "max_tokens"), "max_completion_tokens": body["max_tokens"]}


def _one_of_both(body: Body) -> Body:
    return _less(body, "top_p") if "temperature" in body else body


def _short(messages: Sequence[message_order.Message]) -> list[message_order.Message]:
    return message_order.with_ids(messages, message_order.short_ids(messages))


# In the order in which they are made.
ADJUSTMENTS: tuple[Adjustment, ...] = (
    Adjustment(
        SHOW_TOOLS,
        lambda refusal, _: refusal.is_of_request and tools_required.says_so(refusal.text),
        lambda body: body,
    ),
    *map(_without, _OPTIONAL),
    Adjustment("top_p only without temperature", _in_words(_BOTH), _one_of_both),
    Adjustment(
        OTHER_CAP,
        lambda refusal, _: refusal.prefers("max_completion_tokens"),
        _other_cap,
    ),
    Adjustment("functions without strict", lambda refusal, _: refusal.names("strict"), _not_strict),
    Adjustment(CHOICE_IN_A_WORD, _in_words(_CHOICE), _choice_in_a_word),
    *map(_without_extra, sorted(extras.NAMES)),
    _of_messages("one call at a time", _in_words(_ONE_CALL), message_order.one_call_each),
    _of_messages(SHORT_IDS, _in_words(_CALL_IDS), _short),
    _of_messages("instructions in a user message", _lacks_system, message_order.without_system),
    _of_messages(ALTERNATE_ROLES, _in_words(_ORDER), message_order.alternating),
    _of_messages(USER_LAST, _in_words(_LAST), message_order.ending_with_user),
    _of_messages("no empty texts", _in_words(_EMPTY), message_order.without_empty_texts),
)
