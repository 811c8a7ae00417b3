"""Rules for projects: an admin makes, renames and archives them."""

from msgspec import UNSET

from perdure import ids
from perdure.commands import audit_logs, lists
from perdure.commands.audit_logs import Change
from perdure.errors import BadRequest, NotFound
from perdure.storage.database import Row, Transaction
from perdure.wire.base import encode
from perdure.wire.lists import Page
from perdure.wire.projects import DEFAULT_PROJECT, CreateProject, ModifyProject, Project
from perdure.wire.query import ListQuery


def create(tx: Transaction, body: CreateProject, by: Change) -> Project:
    """Adds a project. Raises `BadRequest` where another has the name."""
    audit_logs.begin(tx)
    _require_free(tx, body.name)
    project = Project(id=ids.new(ids.PROJECT), name=body.name, created_at=by.now, status="active")
    tx.run("projects.insert", id=project.id, name=project.name, created_at=by.now)
    audit_logs.add(
        tx, "project.created", project.id, by, project=project.id, data={"name": body.name}
    )
    return project


def get(tx: Transaction, project_id: str) -> Project:
    """Returns a project, archived or not. Raises `NotFound`."""
    row = tx.one("projects.get", id=project_id) if ids.is_possible(project_id) else None
    if row is None:
        raise NotFound(f"No project found with id '{project_id}'.")
    return _shown(row)


def require_active(tx: Transaction, project_id: str) -> Project:
    """Returns a project. Raises `NotFound`, and `BadRequest` where it was archived."""
    project = get(tx, project_id)
    if project.archived_at is not None:
        raise BadRequest(f"Project '{project_id}' is archived.", code="project_archived")
    return project


def page(tx: Transaction, query: ListQuery, *, archived_too: bool) -> Page:
    """Returns one page of the projects."""
    rows, has_more = lists.rows(
        tx,
        "projects",
        query,
        project=DEFAULT_PROJECT,
        parent="",
        label="project",
        filters={"status": None if archived_too else "active"},
    )
    bodies = [encode(_shown(row)).decode() for row in rows]
    return Page([row["id"] for row in rows], bodies, has_more)


def modify(tx: Transaction, project_id: str, body: ModifyProject, by: Change) -> Project:
    """Renames a project. Raises `BadRequest` where another has the name."""
    audit_logs.begin(tx)
    project = require_active(tx, project_id)
    if body.name is UNSET or body.name == project.name:
        return project
    _require_free(tx, body.name)
    tx.run("projects.rename", id=project_id, name=body.name)
    audit_logs.add(
        tx,
        "project.updated",
        project_id,
        by,
        project=project_id,
        changes_requested={"title": body.name},
    )
    return get(tx, project_id)


def archive(tx: Transaction, project_id: str, by: Change) -> Project:
    """Archives a project, for good: its keys open nothing from now on. One that is archived stays
    so. Raises `BadRequest` for the first project, which the keys of the settings belong to.
    """
    audit_logs.begin(tx)
    project = get(tx, project_id)
    if project_id == DEFAULT_PROJECT:
        raise BadRequest("The default project cannot be archived.", code="default_project")
    if project.archived_at is None:
        tx.run("projects.archive", id=project_id, now=by.now)
        audit_logs.add(tx, "project.archived", project_id, by, project=project_id)
    return get(tx, project_id)


def _require_free(tx: Transaction, name: str) -> None:
    """Raises `BadRequest` for a name that does not tell a project from all others."""
    if name.startswith(f"{ids.PROJECT}_"):
        raise BadRequest(
            f"Invalid 'name': '{name}' looks like the id of a project.",
            param="name",
            code="invalid_value",
        )
    if tx.one("projects.named", name=name) is not None:
        raise BadRequest(
            f"There is a project named '{name}' already.", param="name", code="name_taken"
        )


def _shown(row: Row) -> Project:
    return Project(
        id=row["id"],
        name=row["name"],
        created_at=row["created_at"],
        archived_at=row["archived_at"],
        status="active" if row["archived_at"] is None else "archived",
    )
