"""Rules for service accounts, which own the keys of a project."""

from msgspec import UNSET

from perdure import ids
from perdure.commands import api_keys, audit_logs, lists, projects
from perdure.commands.audit_logs import Change
from perdure.errors import BadRequest, NotFound
from perdure.storage.database import Row, Transaction
from perdure.wire.api_keys import NewProjectApiKey
from perdure.wire.base import encode
from perdure.wire.lists import Deleted, Page
from perdure.wire.query import ListQuery
from perdure.wire.service_accounts import (
    CreateServiceAccount,
    ModifyServiceAccount,
    NewServiceAccount,
    ServiceAccount,
)

_ROLE = {"role": "member"}


def create(
    tx: Transaction, project_id: str, body: CreateServiceAccount, secret: str, by: Change
) -> NewServiceAccount:
    """Adds a service account with an API key, of this secret, unless it is to have none."""
    audit_logs.begin(tx)
    projects.require_active(tx, project_id)
    if body.create_service_account_only and body.expires_in_seconds is not None:
        raise BadRequest(
            "'expires_in_seconds' is that of a key, and with 'create_service_account_only' none is "
            "made.",
            param="expires_in_seconds",
            code="invalid_value",
        )
    account_id = ids.new(ids.SERVICE_ACCOUNT)
    tx.run(
        "service_accounts.insert",
        id=account_id,
        project=project_id,
        name=body.name,
        created_at=by.now,
    )
    audit_logs.add(tx, "service_account.created", account_id, by, project=project_id, data=_ROLE)
    key: NewProjectApiKey | None = None
    if not body.create_service_account_only:
        new = api_keys.NewKey(body.name, secret, body.expires_in_seconds)
        key = api_keys.add_to_account(tx, project_id, account_id, new, by)
    return NewServiceAccount(id=account_id, name=body.name, created_at=by.now, api_key=key)


def create_key(
    tx: Transaction, project_id: str, account_id: str, new: "api_keys.NewKey", by: Change
) -> NewProjectApiKey:
    """Adds an API key to a service account. Without a name it is called like its owner."""
    audit_logs.begin(tx)
    projects.require_active(tx, project_id)
    account = get(tx, project_id, account_id)
    new = new._replace(name=new.name or account.name)
    return api_keys.add_to_account(tx, project_id, account_id, new, by)


def get(tx: Transaction, project_id: str, account_id: str) -> ServiceAccount:
    """Returns a service account. Raises `NotFound`."""
    possible = ids.is_possible(project_id + account_id)
    row = tx.one("service_accounts.get", id=account_id, project=project_id) if possible else None
    if row is None or row["deleted_at"] is not None:
        raise NotFound(f"No service account found with id '{account_id}'.")
    return _shown(row)


def page(tx: Transaction, project_id: str, query: ListQuery) -> Page:
    """Returns one page of a project's service accounts."""
    projects.get(tx, project_id)
    rows, has_more = lists.rows(
        tx,
        "service_accounts",
        query,
        project=project_id,
        parent=project_id,
        label="service account",
    )
    bodies = [encode(_shown(row)).decode() for row in rows]
    return Page([row["id"] for row in rows], bodies, has_more)


def modify(
    tx: Transaction, project_id: str, account_id: str, body: ModifyServiceAccount, by: Change
) -> ServiceAccount:
    """Renames a service account."""
    audit_logs.begin(tx)
    account = get(tx, project_id, account_id)
    if body.name is UNSET or body.name == account.name:
        return account
    tx.run("service_accounts.rename", id=account_id, project=project_id, name=body.name)
    audit_logs.add(
        tx,
        "service_account.updated",
        account_id,
        by,
        project=project_id,
        changes_requested={"name": body.name},
    )
    return get(tx, project_id, account_id)


def delete(tx: Transaction, project_id: str, account_id: str, by: Change) -> Deleted:
    """Deletes a service account with its API keys."""
    audit_logs.begin(tx)
    get(tx, project_id, account_id)
    for row in tx.all("api_keys.of_account", service_account=account_id, project=project_id):
        api_keys.delete(tx, project_id, row["id"], by)
    tx.run("service_accounts.delete", id=account_id, project=project_id, now=by.now)
    audit_logs.add(tx, "service_account.deleted", account_id, by, project=project_id)
    return Deleted(id=account_id, object="organization.project.service_account.deleted")


def _shown(row: Row) -> ServiceAccount:
    return ServiceAccount(id=row["id"], name=row["name"], created_at=row["created_at"])
