"""Servers, and their health, for those who operate them. An extension."""

from typing import Literal, TypeAlias

from perdure.wire.base import Object

Role: TypeAlias = Literal["all", "api", "worker"]


class Server(Object, kw_only=True):
    """A server of the database. It is `gone` if it was not seen for two leases and did not end in
    good order. `started_at` and `last_seen_at` are in Unix seconds.
    """

    id: str
    object: Literal["server"] = "server"
    address: str
    version: str
    role: Role
    status: Literal["alive", "gone"]
    started_at: int
    last_seen_at: int
    runs_in_hand: int


class HealthFinding(Object, kw_only=True):
    """One thing that was found; `remedy` says what to do about it."""

    status: Literal["ok", "warn", "fail"]
    subject: str
    text: str
    remedy: str | None


class HealthReport(Object, kw_only=True):
    """The report of the server that was asked, as `perdure doctor` prints it. `status` is the worst
    of its findings. `settings` are those that are not the default, without secrets.
    """

    object: Literal["health_report"] = "health_report"
    created_at: int
    server_id: str
    version: str
    url: str
    status: Literal["ok", "warn", "fail"]
    settings: dict[str, str]
    findings: list[HealthFinding]
