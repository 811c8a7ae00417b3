"""The audit log: who has changed what of projects and keys. Each change is made with its entry."""

from typing import NamedTuple

from perdure import ids
from perdure.commands import lists
from perdure.storage.database import Transaction
from perdure.wire.audit_logs import AuditQuery, AuditType, as_list
from perdure.wire.base import JsonObject, encode
from perdure.wire.events import Interrupted
from perdure.wire.lists import Page
from perdure.wire.projects import DEFAULT_PROJECT
from perdure.wire.query import ListQuery

# Who changes something without a key that has a row.
SETTINGS_KEY = "admin_key"
COMMAND_LINE = "command_line"
# The topic of the bus under which servers hear that projects or keys were changed.
TOPIC = "api_keys"


class Change(NamedTuple):
    """The actor and the time of a change. `actor` is the id of an admin key, or one of the two
    above.
    """

    actor: str
    now: int


def begin(tx: Transaction) -> None:
    """Begins a change of projects or keys. Nobody else changes any until the transaction ends; then
    all servers look at them again.
    """
    tx.run("api_keys.note_change")
    tx.publish(TOPIC, Interrupted())


def page(tx: Transaction, query: ListQuery, wanted: AuditQuery) -> Page:
    """Returns one page of the entries."""
    rows, has_more = lists.rows(
        tx,
        "audit_logs",
        query,
        project=DEFAULT_PROJECT,
        parent="",
        label="audit log",
        filters={
            "types": as_list(wanted.types),
            "actors": as_list(wanted.actors),
            "projects": as_list(wanted.projects),
            "targets": as_list(wanted.targets),
            "since": wanted.since,
            "until": wanted.until,
        },
    )
    return Page([row["id"] for row in rows], [row["body"] for row in rows], has_more)


def add(
    tx: Transaction,
    kind: AuditType,
    target: str,
    by: Change,
    *,
    project: str = DEFAULT_PROJECT,
    **details: object,
) -> None:
    """Adds the entry of a change of `target` in a project; admin keys are the first project's."""
    row = tx.one("projects.get", id=project)
    entry = {
        "id": ids.new(ids.AUDIT_LOG),
        "type": kind,
        "effective_at": by.now,
        "actor": _actor(by.actor),
        "project": {"id": project, "name": row["name"] if row else None},
        kind: {"id": target, **details},
    }
    tx.run(
        "audit_logs.insert",
        id=entry["id"],
        type=kind,
        effective_at=by.now,
        actor=by.actor,
        project=project,
        target=target,
        body=encode(entry).decode(),
    )


def _actor(actor: str) -> JsonObject:
    if actor == COMMAND_LINE:
        return {"type": "session", "session": {"user": {"id": actor}}}
    return {"type": "api_key", "api_key": {"id": actor, "type": "user"}}
