"""`perdure projects`: makes, lists, renames and archives projects, over the admin API."""

from collections.abc import AsyncIterator
from urllib.parse import quote

from perdure.cli.client import Client, RequestFailed
from perdure.cli.pages import objects
from perdure.cli.terminal import line, say, tell
from perdure.wire.projects import Project

PROJECTS = "/organization/projects"


def path_of(project_id: str) -> str:
    """Returns the path of a project."""
    return f"{PROJECTS}/{quote(project_id, safe='')}"


async def all_of(client: Client, *, archived_too: bool = False) -> AsyncIterator[Project]:
    """Yields all projects, the newest first."""
    query = {"include_archived": "true" if archived_too else "false"}
    async for project in objects(client, PROJECTS, Project, query):
        yield project


async def find(client: Client, named: str) -> Project:
    """Returns the project of this id or name. Raises `RequestFailed`."""
    async for project in all_of(client):
        if named in (project.id, project.name):
            return project
    raise RequestFailed(f"There is no project '{line(named)}'.")


async def create(client: Client, name: str) -> None:
    """Makes a project, and prints its id."""
    async with client:
        say(line((await client.post(PROJECTS, {"name": name}, Project)).id))


async def list_all(client: Client, *, archived_too: bool) -> None:
    """Prints the projects, the newest first."""
    async with client:
        async for project in all_of(client, archived_too=archived_too):
            say(f"{line(project.id)}  {project.status:<8}  {line(project.name)}")


async def rename(client: Client, named: str, name: str) -> None:
    """Gives a project another name."""
    async with client:
        project = await find(client, named)
        renamed = await client.post(path_of(project.id), {"name": name}, Project)
        say(f"{line(renamed.id)}  {line(renamed.name)}")


async def archive(client: Client, named: str) -> None:
    """Archives a project."""
    async with client:
        project = await find(client, named)
        done = await client.post(f"{path_of(project.id)}/archive", None, Project)
        say(f"{line(done.id)}  {done.status:<8}  {line(done.name)}")
    tell("Its keys open nothing any more, and its runs end. What it has stays in the database.")
