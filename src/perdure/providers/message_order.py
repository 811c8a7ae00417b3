"""Changes of a request's messages to the order and the form that chat templates insist on.

Pure functions on the JSON of messages: each returns new ones and changes none.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import ascii_letters, digits
from typing import Any

Message = Mapping[str, Any]

# The texts that stand for the user where a template wants one, and for one that has nothing more to
# say.
OPENING = "Hello."
CLOSING = "Go on."
# The text of an empty output.
EMPTY = "(empty)"

_SYSTEM = ("system", "developer")
_ALTERNATING = ("user", "assistant")
_ID_LENGTH = 9
_ID_CHARACTERS = digits + ascii_letters


def without_system(messages: Sequence[Message]) -> list[Message]:
    """Returns the messages with the instructions in front of the first user message. Where the
    thread does not begin with one, they are a user message by themselves.
    """
    told = [message for message in messages if message["role"] in _SYSTEM]
    rest = [message for message in messages if message["role"] not in _SYSTEM]
    if not told:
        return rest
    instructions = _of("user", _joined([message["content"] for message in told]))
    if rest and rest[0]["role"] == "user":
        return [_one(instructions, rest[0]), *rest[1:]]
    return [instructions, *rest]


def alternating(messages: Sequence[Message]) -> list[Message]:
    """Returns the messages with alternating roles, the user first. Neighbours of one role are
    joined. If the first message is not the user's, or there is none, one is added in front.
    """
    head = [message for message in messages if message["role"] in _SYSTEM]
    ordered: list[Message] = []
    for message in messages:
        if message["role"] in _SYSTEM:
            continue
        if ordered and _go_together(ordered[-1], message):
            ordered[-1] = _one(ordered[-1], message)
        else:
            ordered.append(message)
    if not ordered or ordered[0]["role"] != "user":
        ordered.insert(0, _of("user", OPENING))
    return [*head, *ordered]


def ending_with_user(messages: Sequence[Message]) -> list[Message]:
    """Returns the messages with one of the user at the end, if the last is the assistant's."""
    if not messages or messages[-1]["role"] != "assistant":
        return list(messages)
    return [*messages, _of("user", CLOSING)]


def one_call_each(messages: Sequence[Message]) -> list[Message]:
    """Returns the messages with parallel tool calls as calls one after the other, each followed by
    its output.
    """
    outputs = {
        message["tool_call_id"]: message for message in messages if message["role"] == "tool"
    }
    told: list[Message] = []
    for message in messages:
        calls = message.get("tool_calls") or ()
        if message["role"] == "tool" or len(calls) < 2:
            told.append(message)
            continue
        for place, call in enumerate(calls):
            content = message.get("content") if place == 0 else ""
            told.append({**message, "content": content, "tool_calls": [call]})
            told.extend(_output(outputs, call))
    return _once(told)


def without_empty_texts(messages: Iterable[Message]) -> list[Message]:
    """Returns the messages with null for an empty text of the model, and a word for an empty
    output.
    """
    told: list[Message] = []
    for message in messages:
        if message.get("content") == "":
            nothing = EMPTY if message["role"] == "tool" else None
            message = {**message, "content": nothing}
        told.append(message)
    return told


def short_ids(messages: Iterable[Message]) -> dict[str, str]:
    """Returns for each tool call id, in order, an id of nine letters and digits: its own if it has
    that form, else a hash of it, the same each time.
    """
    short: dict[str, str] = {}
    taken: set[str] = set()
    for message in messages:
        for call in message.get("tool_calls") or ():
            if call["id"] not in short:
                short[call["id"]] = made = _short(call["id"], taken)
                taken.add(made)
    return short


def with_ids(messages: Iterable[Message], ids: Mapping[str, str]) -> list[Message]:
    """Returns the messages with their tool call ids replaced."""
    told: list[Message] = []
    for message in messages:
        if calls := message.get("tool_calls"):
            message = {**message, "tool_calls": [{**call, "id": ids[call["id"]]} for call in calls]}
        if message["role"] == "tool":
            message = {**message, "tool_call_id": ids[message["tool_call_id"]]}
        told.append(message)
    return told


def _of(role: str, content: object) -> Message:
    return {"role": role, "content": content}


def _go_together(first: Message, second: Message) -> bool:
    if first["role"] != second["role"] or first["role"] not in _ALTERNATING:
        return False
    # Behind calls come their outputs.
    return not first.get("tool_calls")


def _one(first: Message, second: Message) -> Message:
    content = _joined([first.get("content"), second.get("content")])
    return {**first, **second, "content": content}


def _joined(contents: Sequence[Any]) -> Any:
    """Returns texts as one text, with an empty line between them. If one content is a list of
    parts, all become parts.
    """
    there = [content for content in contents if content]
    if all(isinstance(content, str) for content in there):
        return "\n\n".join(there)
    parts: list[Any] = []
    for content in there:
        parts += [{"type": "text", "text": content}] if isinstance(content, str) else content
    return parts


def _output(outputs: Mapping[str, Message], call: Message) -> Iterator[Message]:
    if call["id"] in outputs:
        yield outputs[call["id"]]


def _once(messages: Iterable[Message]) -> list[Message]:
    """Returns the messages with each output only where it stands first."""
    seen: set[int] = set()
    told = []
    for message in messages:
        if message["role"] == "tool":
            if id(message) in seen:
                continue
            seen.add(id(message))
        told.append(message)
    return told


def _short(call_id: str, taken: set[str]) -> str:
    made, salt = call_id, 0
    while not _is_short(made) or made in taken:
        number = int.from_bytes(hashlib.sha256(f"{salt} {call_id}".encode()).digest()[:16])
        made = "".join(
            _ID_CHARACTERS[number // len(_ID_CHARACTERS) ** place % len(_ID_CHARACTERS)]
            for place in range(_ID_LENGTH)
        )
        salt += 1
    return made


def _is_short(call_id: str) -> bool:
    return len(call_id) == _ID_LENGTH and call_id.isascii() and call_id.isalnum()
