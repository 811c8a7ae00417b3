"""Servers over HTTP, for those who operate them. An extension."""

from typing import Literal

from perdure.api.http import Answer, ApiCall
from perdure.api.permissions import require_operator
from perdure.commands import servers
from perdure.errors import NotFound
from perdure.wire.base import Object, decode
from perdure.wire.lists import page_of
from perdure.wire.servers import HealthFinding, HealthReport

_WORST = ("fail", "warn", "ok")


class _Report(Object):
    """The report that the doctor gets; see `cli/running_server.py`."""

    version: str
    url: str
    settings: dict[str, str]
    findings: list[tuple[Literal["ok", "warn", "fail"], str, str, str]]


async def list_all(call: ApiCall) -> Answer:
    """Lists the servers of the database; one that is alone on it knows itself."""
    require_operator(call)
    services, now = call.services, call.services.clock.now()
    if services.database.exclusive:
        runs = services.state.runs_in_hand()
        found = [servers.show_alone(services.state.identity, runs=runs, now=now)]
    else:
        found = await services.database.read(
            servers.list_known, now=now, lease_seconds=services.settings.lease_seconds
        )
    return page_of(found, [each.id for each in found])


async def health(call: ApiCall) -> Answer:
    """Examines the server as `perdure doctor` does."""
    require_operator(call)
    report = await call.services.state.report()
    if report is None:
        raise NotFound("This server has no report on itself: it was not started by perdure serve.")
    told = decode(report, _Report)
    findings = [
        HealthFinding(status=status, subject=subject, text=text, remedy=remedy or None)
        for status, subject, text, remedy in told.findings
    ]
    found = {each.status for each in findings}
    return HealthReport(
        created_at=call.now,
        server_id=call.services.state.identity.id,
        version=told.version,
        url=told.url,
        status=next((each for each in _WORST if each in found), "ok"),
        settings=told.settings,
        findings=findings,
    )
