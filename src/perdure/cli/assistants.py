"""`perdure assistants`: the assistants of a server, over HTTP like any client."""

from urllib.parse import quote

from perdure.cli.client import Client
from perdure.cli.objects import show_fields, time_of
from perdure.cli.pages import objects
from perdure.cli.terminal import line, say
from perdure.wire.assistants import Assistant


async def list_all(client: Client, limit: int) -> None:
    """Prints assistants, the newest first."""
    async with client:
        async for each in objects(client, "/assistants", Assistant, limit=limit):
            name = line(each.name or "")
            say(f"{line(each.id)}  {time_of(each.created_at)}  {line(each.model)}  {name}")


async def show(client: Client, assistant_id: str, *, as_json: bool) -> None:
    """Prints one assistant: its fields, or the object of the API."""
    async with client:
        found = await client.get(f"/assistants/{quote(assistant_id, safe='')}", Assistant)
    show_fields(found, as_json=as_json)
