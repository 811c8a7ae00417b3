"""Projects over HTTP, for admins."""

from perdure.api.http import Answer, ApiCall
from perdure.commands import leases, projects
from perdure.wire import refusals
from perdure.wire.projects import CreateProject, ModifyProject

_AT_ONCE = 5
_FLAGS = {"true": True, "false": False}


async def create(call: ApiCall) -> Answer:
    body = await call.body(CreateProject)
    return await call.services.database.write(projects.create, body, call.change)


async def list_all(call: ApiCall) -> Answer:
    text = call.request.query_params.get("include_archived", "false")
    if text not in _FLAGS:
        raise refusals.unsupported_value("include_archived", value=text, supported=list(_FLAGS))
    return await call.services.database.read(
        projects.page, call.list_query, archived_too=_FLAGS[text]
    )


async def retrieve(call: ApiCall) -> Answer:
    return await call.services.database.read(projects.get, call.id("project_id"))


async def modify(call: ApiCall) -> Answer:
    project_id = call.id("project_id")
    body = await call.body(ModifyProject)
    return await call.services.database.write(projects.modify, project_id, body, call.change)


async def archive(call: ApiCall) -> Answer:
    database, now = call.services.database, call.now
    archived = await database.write(projects.archive, call.id("project_id"), call.change)
    # A few at a time: clients' writes get in between. What is left if it breaks off, upkeep ends.
    while await database.write(leases.cancel_archived, now=now, limit=_AT_ONCE):
        pass
    return archived
