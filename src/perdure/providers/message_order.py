"""The messages of a request in the order and the form that chat templates insist on.

Pure functions on the JSON of messages: each gives new ones and changes none.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import ascii_letters, digits
from typing import Any

Message = Mapping[str, Any]

# What stands for the user where a template wants one, and for one that has nothing more to say.
OPENING = "Hello."
CLOSING = "Go on."
# What stands for an output of nothing.
EMPTY = "(empty)"

_SYSTEM = ("system", "developer")
_ALTERNATING = ("user", "assistant")
_ID_LENGTH = 9
_ID_CHARACTERS = digits + ascii_letters


def without_system(messages: Sequence[Message]) -> list[Message]:
    """The instructions in front of the first user message; a message of the user by themselves,
    where the thread does not begin with one.
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
    """User and assistant in turns, the user first: messages of one role in a row are one, and what
    begins with the assistant, or with nobody, has a message of the user in front.
    """
    head = [message for message in messages if message["role"] in _SYSTEM]
    turns: list[Message] = []
    for message in messages:
        if message["role"] in _SYSTEM:
            continue
        if turns and _go_together(turns[-1], message):
            turns[-1] = _one(turns[-1], message)
        else:
            turns.append(message)
    if not turns or turns[0]["role"] != "user":
        turns.insert(0, _of("user", OPENING))
    return [*head, *turns]


def ending_with_user(messages: Sequence[Message]) -> list[Message]:
    """A message of the user at the end, where the last one is the assistant's."""
    if not messages or messages[-1]["role"] != "assistant":
        return list(messages)
    return [*messages, _of("user", CLOSING)]


def one_call_each(messages: Sequence[Message]) -> list[Message]:
    """Calls that were made at once as if they were made one after the other, each with its output
    behind it.
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
    """Null where the model said nothing beside its calls, and a word for outputs of nothing."""
    told: list[Message] = []
    for message in messages:
        if message.get("content") == "":
            nothing = EMPTY if message["role"] == "tool" else None
            message = {**message, "content": nothing}
        told.append(message)
    return told


def short_ids(messages: Iterable[Message]) -> dict[str, str]:
    """For each id of a call, in their order, one of nine letters and digits: its own, if it is of
    that form, else one that is made of it, the same each time.
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
    """The messages with other ids of their calls."""
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
    """Texts as one text, with an empty line between them; with parts among them, all as parts."""
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
    """Each output where it stands first."""
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
