"""Rules for API keys. Secrets are never stored: a key is known by the hash of its secret."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import UNSET

from perdure import ids
from perdure.commands import audit_logs, key_secrets, lists, projects
from perdure.commands.audit_logs import Change
from perdure.errors import NotFound
from perdure.storage.database import Row, Transaction
from perdure.wire.api_keys import (
    AdminApiKey,
    ModifyApiKey,
    NewAdminApiKey,
    NewProjectApiKey,
    OwningAccount,
    ProjectApiKey,
    ProjectKeyOwner,
)
from perdure.wire.base import encode
from perdure.wire.lists import Deleted, Page
from perdure.wire.projects import DEFAULT_PROJECT
from perdure.wire.query import ListQuery


class NewKey(NamedTuple):
    """A key to be made. An empty name: that of its owner."""

    name: str
    secret: str
    lifetime: int | None = None

    def expiry(self, now: int) -> int | None:
        """Returns when it expires, if ever."""
        return None if self.lifetime is None else now + self.lifetime


class StoredKey(NamedTuple):
    """A key that was not deleted, as a server remembers it. The project of an admin key is None."""

    id: str
    project: str | None
    expires_at: int | None


class StoredProject(NamedTuple):
    """A project as a server remembers it."""

    id: str
    name: str
    is_archived: bool


class KeySnapshot(NamedTuple):
    """The keys and projects after so many changes. Keys are found by the hash of their secret;
    `deleted` are the hashes of those that were deleted.
    """

    changes: int
    keys: Mapping[str, StoredKey]
    deleted: frozenset[str]
    projects: Mapping[str, StoredProject]
    has_project_keys: bool


def snapshot(tx: Transaction, known: int | None) -> KeySnapshot | None:
    """Returns all keys and projects; None if they are what they were after `known` changes."""
    row = tx.one("api_keys.changes")
    changes = int(row["changes"]) if row else 0
    if changes == known:
        return None
    rows = tx.all("api_keys.known")
    return KeySnapshot(
        changes,
        {
            row["hash"]: StoredKey(row["id"], row["project"], row["expires_at"])
            for row in rows
            if row["deleted_at"] is None
        },
        frozenset(row["hash"] for row in rows if row["deleted_at"] is not None),
        {
            row["id"]: StoredProject(row["id"], row["name"], row["archived_at"] is not None)
            for row in tx.all("projects.all")
        },
        # One that was deleted counts: the server does not open up when the last key is taken away.
        has_project_keys=any(row["kind"] == "project" for row in rows),
    )


def note_uses(tx: Transaction, minutes: Mapping[str, int]) -> None:
    """Notes the minute in which each of these keys was used last."""
    for key_id, minute in sorted(minutes.items()):
        tx.run("api_keys.note_use", id=key_id, minute=minute)


def add_to_account(
    tx: Transaction, project_id: str, account_id: str, new: NewKey, by: Change
) -> NewProjectApiKey:
    """Adds an API key of a service account; the caller has begun the change."""
    key = NewProjectApiKey(
        id=ids.new(ids.API_KEY),
        name=new.name,
        created_at=by.now,
        expires_at=new.expiry(by.now),
        value=new.secret,
    )
    _insert(tx, key, "project", project=project_id, account=account_id)
    audit_logs.add(tx, "api_key.created", key.id, by, project=project_id)
    return key


def create_admin(tx: Transaction, new: NewKey, by: Change) -> NewAdminApiKey:
    """Adds an admin key."""
    audit_logs.begin(tx)
    key = NewAdminApiKey(
        id=ids.new(ids.API_KEY),
        name=new.name,
        redacted_value=key_secrets.redacted(new.secret, "admin"),
        created_at=by.now,
        expires_at=new.expiry(by.now),
        value=new.secret,
    )
    _insert(tx, key, "admin", project=None, account=None)
    audit_logs.add(tx, "api_key.created", key.id, by)
    return key


def _insert(
    tx: Transaction,
    key: NewAdminApiKey | NewProjectApiKey,
    kind: key_secrets.KeyKind,
    *,
    project: str | None,
    account: str | None,
) -> None:
    tx.run(
        "api_keys.insert",
        id=key.id,
        kind=kind,
        project=project,
        service_account=account,
        hash=key_secrets.hash_of(key.value),
        name=key.name,
        redacted_value=key_secrets.redacted(key.value, kind),
        created_at=key.created_at,
        expires_at=key.expires_at,
    )


def get(tx: Transaction, project_id: str, key_id: str) -> ProjectApiKey:
    """Returns an API key of a project. Raises `NotFound`."""
    possible = ids.is_possible(project_id + key_id)
    row = tx.one("api_keys.get", id=key_id, project=project_id) if possible else None
    return _shown(_found(row, key_id))


def get_admin(tx: Transaction, key_id: str) -> AdminApiKey:
    """Returns an admin key. Raises `NotFound`."""
    row = tx.one("admin_keys.get", id=key_id) if ids.is_possible(key_id) else None
    return _shown_admin(_found(row, key_id))


def page(tx: Transaction, project_id: str, query: ListQuery) -> Page:
    """Returns one page of the API keys of a project."""
    projects.get(tx, project_id)
    rows, has_more = lists.rows(
        tx, "api_keys", query, project=project_id, parent=project_id, label="API key"
    )
    bodies = [encode(_shown(row)).decode() for row in rows]
    return Page([row["id"] for row in rows], bodies, has_more)


def page_of_admins(tx: Transaction, query: ListQuery) -> Page:
    """Returns one page of the admin keys."""
    rows, has_more = lists.rows(
        tx, "admin_keys", query, project=DEFAULT_PROJECT, parent="", label="admin API key"
    )
    bodies = [encode(_shown_admin(row)).decode() for row in rows]
    return Page([row["id"] for row in rows], bodies, has_more)


def modify(
    tx: Transaction, project_id: str, key_id: str, body: ModifyApiKey, by: Change
) -> ProjectApiKey:
    """Changes when an API key of a project expires. That of one that has expired stays: it is not
    brought back.
    """
    audit_logs.begin(tx)
    key = get(tx, project_id, key_id)
    expires_at = _later(key, body, by)
    if expires_at is not None:
        tx.run("api_keys.expire", id=key_id, project=project_id, expires_at=expires_at)
        _note_expiry(tx, key_id, body, by, project=project_id)
    return get(tx, project_id, key_id)


def modify_admin(tx: Transaction, key_id: str, body: ModifyApiKey, by: Change) -> AdminApiKey:
    """Changes when an admin key expires."""
    audit_logs.begin(tx)
    expires_at = _later(get_admin(tx, key_id), body, by)
    if expires_at is not None:
        tx.run("admin_keys.expire", id=key_id, expires_at=expires_at)
        _note_expiry(tx, key_id, body, by, project=DEFAULT_PROJECT)
    return get_admin(tx, key_id)


def _later(key: ProjectApiKey | AdminApiKey, body: ModifyApiKey, by: Change) -> int | None:
    """Returns the new time of a key's expiry; None for none. Raises `NotFound` for a key that has
    expired.
    """
    if body.expires_in_seconds is UNSET:
        return None
    if key.expires_at is not None and key.expires_at <= by.now:
        raise NotFound(f"API key '{key.id}' has expired.")
    return by.now + body.expires_in_seconds


def _note_expiry(
    tx: Transaction, key_id: str, body: ModifyApiKey, by: Change, *, project: str
) -> None:
    audit_logs.add(
        tx,
        "api_key.updated",
        key_id,
        by,
        project=project,
        changes_requested={"expires_in_seconds": body.expires_in_seconds},
    )


def delete(tx: Transaction, project_id: str, key_id: str, by: Change) -> Deleted:
    """Deletes an API key of a project: it opens nothing from now on."""
    audit_logs.begin(tx)
    get(tx, project_id, key_id)
    tx.run("api_keys.delete", id=key_id, project=project_id, now=by.now)
    audit_logs.add(tx, "api_key.deleted", key_id, by, project=project_id)
    return Deleted(id=key_id, object="organization.project.api_key.deleted")


def delete_admin(tx: Transaction, key_id: str, by: Change) -> Deleted:
    """Deletes an admin key."""
    audit_logs.begin(tx)
    get_admin(tx, key_id)
    tx.run("admin_keys.delete", id=key_id, now=by.now)
    audit_logs.add(tx, "api_key.deleted", key_id, by)
    return Deleted(id=key_id, object="organization.admin_api_key.deleted")


def _found(row: Row | None, key_id: str) -> Row:
    if row is None or row["deleted_at"] is not None:
        raise NotFound(f"No API key found with id '{key_id}'.")
    return row


def _shown(row: Row) -> ProjectApiKey:
    owner = OwningAccount(
        id=row["owner"], name=row["owner_name"], created_at=row["owner_created_at"]
    )
    return ProjectApiKey(
        id=row["id"],
        name=row["name"],
        redacted_value=row["redacted_value"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        expires_at=row["expires_at"],
        owner=ProjectKeyOwner(service_account=owner),
    )


def _shown_admin(row: Row) -> AdminApiKey:
    return AdminApiKey(
        id=row["id"],
        name=row["name"],
        redacted_value=row["redacted_value"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        expires_at=row["expires_at"],
    )
