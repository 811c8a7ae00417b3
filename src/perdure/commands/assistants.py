"""Rules for assistants (spec 01 §3, 02 §4)."""

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from perdure import ids
from perdure.commands import resources
from perdure.commands.lists import add_tombstone
from perdure.errors import NotFound
from perdure.storage.database import Row, Transaction
from perdure.wire.assistants import Assistant, CreateAssistant, ModifyAssistant
from perdure.wire.base import decode, encode
from perdure.wire.lists import Deleted
from perdure.wire.tools import ToolResources

# What a field becomes when a request leaves it out, or a modify request clears it with null.
_CLEARED: dict[str, Any] = {
    "name": None,
    "description": None,
    "instructions": None,
    "tools": [],
    "tool_resources": ToolResources(),
    "metadata": {},
    "temperature": 1.0,
    "top_p": 1.0,
    "reasoning_effort": None,
    "response_format": "auto",
}


# Enough to find out if the tool is in use here.
_LOOKED_AT = 1000


def create(tx: Transaction, body: CreateAssistant, *, project: str, now: int) -> Assistant:
    """Adds an assistant."""
    given = {name: getattr(body, name) for name in body.__struct_fields__}
    given["tool_resources"] = resources.resolve(tx, body.tool_resources, project=project, now=now)
    assistant = Assistant(
        id=ids.new(ids.ASSISTANT),
        created_at=now,
        **{name: _CLEARED[name] if value is None else value for name, value in given.items()},
    )
    tx.run("assistants.insert", id=assistant.id, project=project, body=encode(assistant).decode())
    resources.note(tx, assistant.id, assistant.tool_resources)
    return assistant


def get(tx: Transaction, assistant_id: str, *, project: str) -> str:
    """Returns the assistant's JSON. Raises `NotFound` (spec 05 §3.2)."""
    return str(
        _found(tx.one("assistants.get", id=assistant_id, project=project), assistant_id)["body"]
    )


def any_runs_code(tx: Transaction) -> bool:
    """Returns True if one of the newest assistants has the code_interpreter tool."""
    return tx.one("assistants.with_code", limit=_LOOKED_AT) is not None


def load(tx: Transaction, assistant_id: str, *, project: str) -> Assistant:
    """Returns the assistant. Raises `NotFound`."""
    return decode(get(tx, assistant_id, project=project), Assistant)


def modify(
    tx: Transaction, assistant_id: str, body: ModifyAssistant, *, project: str, now: int
) -> Assistant:
    """Modifies an assistant. An absent field keeps its value, a value replaces it, null clears it.
    Existing runs keep their copy.
    """
    row = _found(tx.one("assistants.lock", id=assistant_id, project=project), assistant_id)
    given = {
        name: value
        for name in body.__struct_fields__
        if (value := getattr(body, name)) is not UNSET and not (name == "model" and value is None)
    }
    if "tool_resources" in given:
        given["tool_resources"] = resources.resolve(
            tx, given["tool_resources"], project=project, now=now
        )
    changes = {name: _CLEARED[name] if value is None else value for name, value in given.items()}
    assistant = replace(decode(row["body"], Assistant), **changes)
    body_text = encode(assistant).decode()
    tx.run("assistants.update", id=assistant_id, project=project, body=body_text)
    resources.note(tx, assistant.id, assistant.tool_resources)
    return assistant


def delete(tx: Transaction, assistant_id: str, *, project: str, now: int) -> Deleted:
    """Removes the assistant; threads and runs that used it stay (spec 02 §4)."""
    row = _found(tx.one("assistants.lock", id=assistant_id, project=project), assistant_id)
    tx.run("assistants.delete", id=assistant_id, project=project)
    add_tombstone(tx, assistant_id, project=project, seq=row["seq"], now=now)
    return Deleted(id=assistant_id, object="assistant.deleted")


def _found(row: Row | None, assistant_id: str) -> Row:
    if row is None:
        raise NotFound(f"No assistant found with id '{assistant_id}'.")
    return row
