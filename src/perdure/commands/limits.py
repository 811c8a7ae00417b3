"""Rules for the limits of projects (spec 11 §2-4): what is set, and what is counted against it."""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from perdure.commands import audit_logs, projects
from perdure.commands.audit_logs import Change
from perdure.errors import Forbidden, RateLimited
from perdure.storage.database import Transaction


class RateLimit(NamedTuple):
    """The limits of a minute; None: there is none."""

    requests: int | None = None
    tokens: int | None = None


# The id of a rate limit is this, and the name or pattern of its models.
RATE_LIMIT_ID = "rl-"

ModelsMode: TypeAlias = Literal["allow_list", "deny_list"]


class ModelPermissions(NamedTuple):
    """The models that a project may ask for, by name or pattern: the listed ones in the mode
    `allow_list`, all others in the mode `deny_list`.
    """

    mode: ModelsMode
    models: tuple[str, ...]

    def allows(self, model: str) -> bool:
        is_listed = any(fnmatchcase(model, listed) for listed in self.models)
        return is_listed == (self.mode == "allow_list")


class ProjectLimits(NamedTuple):
    """The limits of a project; None: there is none. `rates` are by the names and patterns of
    models. `active_runs`: the runs that have not ended, `file_bytes`: the bytes of all files,
    `monthly_cents`: what may be spent in a month, in cents of US dollars.
    """

    rates: Mapping[str, RateLimit] = MappingProxyType({})
    active_runs: int | None = None
    file_bytes: int | None = None
    monthly_cents: int | None = None
    models: ModelPermissions | None = None

    def rate_of(self, model: str) -> tuple[str, RateLimit] | None:
        """Returns the limit that holds for a model, with its name or pattern: its own, else that of
        the longest pattern.
        """
        if model in self.rates:
            return model, self.rates[model]
        fitting = [name for name in self.rates if "*" in name and fnmatchcase(model, name)]
        if not fitting:
            return None
        longest = max(fitting, key=len)
        return longest, self.rates[longest]

    def require_model(self, project: str, model: str) -> None:
        """Raises `Forbidden` for a model that the project may not ask for."""
        if self.models is not None and not self.models.allows(model):
            raise Forbidden(
                f"Project `{project}` does not have access to model `{model}`",
                code="model_not_found",
            )


NO_LIMITS = ProjectLimits()


def load(tx: Transaction) -> dict[str, ProjectLimits]:
    """Returns the limits of the projects that have any."""
    found: dict[str, ProjectLimits] = {}
    for row in tx.all("limits.all"):
        permissions = None
        if row["models_mode"] is not None:
            permissions = ModelPermissions(row["models_mode"], tuple(json.loads(row["models"])))
        found[row["project"]] = ProjectLimits(
            {}, row["active_runs"], row["file_bytes"], row["monthly_cents"], permissions
        )
    for row in tx.all("limits.rates"):
        project = row["project"]
        limits = found.get(project, NO_LIMITS)
        rates = {**limits.rates, row["model"]: RateLimit(row["requests"], row["tokens"])}
        found[project] = limits._replace(rates=rates)
    return {project: limits for project, limits in found.items() if limits != NO_LIMITS}


def of_project(tx: Transaction, project: str) -> ProjectLimits:
    """Returns the limits of a project. Raises `NotFound` if there is no such project."""
    projects.get(tx, project)
    return load(tx).get(project, NO_LIMITS)


def change_rate(
    tx: Transaction, project: str, model: str, changes: Mapping[str, int | None], by: Change
) -> RateLimit:
    """Changes limits of a name or pattern of models: `requests`, `tokens` or both. Returns what
    holds now. Raises `NotFound`, and `BadRequest` where the project is archived.
    """
    _begin(tx, project)
    row = tx.one("limits.rate", project=project, model=model)
    limit = RateLimit(row["requests"], row["tokens"]) if row else RateLimit()
    limit = limit._replace(**changes)
    if limit == RateLimit():
        tx.run("limits.drop_rate", project=project, model=model)
    else:
        tx.run("limits.set_rate", project=project, model=model, **limit._asdict())
    told = {f"max_{name}_per_1_minute": value for name, value in changes.items()}
    audit_logs.add(
        tx,
        "rate_limit.updated",
        f"{RATE_LIMIT_ID}{model}",
        by,
        project=project,
        changes_requested=told,
    )
    return limit


def change_bounds(
    tx: Transaction, project: str, changes: Mapping[str, int | None], by: Change
) -> ProjectLimits:
    """Changes `active_runs`, `file_bytes` or both. Returns what holds now. Raises as
    `change_rate`.
    """
    _begin(tx, project)
    limits = of_project(tx, project)
    limits = limits._replace(
        active_runs=changes.get("active_runs", limits.active_runs),
        file_bytes=changes.get("file_bytes", limits.file_bytes),
    )
    tx.run("limits.ensure", project=project)
    tx.run(
        "limits.set_bounds",
        project=project,
        active_runs=limits.active_runs,
        file_bytes=limits.file_bytes,
    )
    _note(tx, project, by, dict(changes))
    return limits


def set_spend(tx: Transaction, project: str, cents: int | None, by: Change) -> None:
    """Sets what the project may spend in a month; None: as much as it likes. Raises as
    `change_rate`.
    """
    _begin(tx, project)
    tx.run("limits.ensure", project=project)
    tx.run("limits.set_spend", project=project, monthly_cents=cents)
    _note(tx, project, by, {"spend_limit": cents})


def set_models(
    tx: Transaction, project: str, permissions: ModelPermissions | None, by: Change
) -> None:
    """Sets the models that the project may ask for; None: all. Raises as `change_rate`."""
    _begin(tx, project)
    tx.run("limits.ensure", project=project)
    tx.run(
        "limits.set_models",
        project=project,
        mode=permissions and permissions.mode,
        models=permissions and json.dumps(permissions.models),
    )
    _note(tx, project, by, {"model_permissions": permissions and permissions._asdict()})


def _begin(tx: Transaction, project: str) -> None:
    """Begins a change of limits; when it is done, all servers look at them again."""
    audit_logs.begin(tx)
    projects.require_active(tx, project)


def _note(tx: Transaction, project: str, by: Change, changes: Mapping[str, object]) -> None:
    audit_logs.add(tx, "project.updated", project, by, project=project, changes_requested=changes)


def require_run(tx: Transaction, project: str, limits: ProjectLimits) -> None:
    """Raises `RateLimited` where the project has as many runs as it may have."""
    if limits.active_runs is None:
        return
    row = tx.one("limits.active_runs", project=project)
    active = int(row["active"]) if row else 0
    if active >= limits.active_runs:
        raise RateLimited(
            f"Rate limit reached for project {project} on active runs: Limit {limits.active_runs}, "
            f"Used {active}, Requested 1. Please try again when a run has ended.",
            retry_after=1,
        )


def file_bytes(tx: Transaction, project: str) -> int:
    """Returns the bytes of all files of a project. It reads all of them."""
    row = tx.one("limits.file_bytes", project=project)
    return int(row["bytes"] or 0) if row else 0
