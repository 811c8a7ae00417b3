"""`perdure keys`: makes, lists, rotates and revokes API keys, over the admin API.

The first admin key is made without a server: whoever may write to the database may make one.
"""

import asyncio
import time
from typing import TypeVar
from urllib.parse import quote

from perdure import storage
from perdure.bus.memory import MemoryBus
from perdure.cli import projects
from perdure.cli.client import Client, RequestFailed, RequestRefused
from perdure.cli.pages import objects
from perdure.cli.terminal import line, say, tell
from perdure.clock import SystemClock
from perdure.commands import api_keys, key_secrets
from perdure.commands.api_keys import NewKey
from perdure.commands.audit_logs import COMMAND_LINE, Change
from perdure.errors import ConfigurationError, Unavailable
from perdure.settings import Settings
from perdure.wire.api_keys import AdminApiKey, NewAdminApiKey, NewProjectApiKey, ProjectApiKey
from perdure.wire.base import Object
from perdure.wire.projects import DEFAULT_PROJECT
from perdure.wire.service_accounts import NewServiceAccount

__all__ = [
    "DEFAULT_PROJECT",
    "NOBODYS",
    "create",
    "create_admin",
    "create_first",
    "is_answered",
    "list_all",
    "revoke",
    "rotate",
]

K = TypeVar("K", AdminApiKey, ProjectApiKey)

# A key that nobody has made: a server that takes it takes any.
NOBODYS = "of-nobody"

ADMINS = "/organization/admin_api_keys"
_FIRST = (
    "This is the first key of a project: from now on every request needs a key that is known, on "
    "this machine too. Programs that send any other are refused."
)
_ONCE = "The key is shown this once: keep it."


async def create_admin(client: Client, name: str, lifetime: int | None) -> None:
    """Makes an admin key, and prints its secret."""
    async with client:
        body = {"name": name, "expires_in_seconds": lifetime}
        made = await client.post(ADMINS, body, NewAdminApiKey)
    _show(made)


async def is_answered(client: Client) -> bool:
    """Returns True if a server answers, whatever it says."""
    async with client:
        try:
            await client.get(f"{ADMINS}?limit=1", Object)
        except RequestRefused:
            return True
        except RequestFailed:
            return False
    return True


def create_first(chosen: Settings, name: str, lifetime: int | None) -> None:
    """Makes an admin key in the database itself, and prints its secret.

    Raises `ConfigurationError` where the database cannot be opened: that of a server on SQLite,
    while it runs.
    """
    new = NewKey(name, key_secrets.new("admin"), lifetime)
    _show(asyncio.run(_write_first(chosen, new)))


async def _write_first(chosen: Settings, new: NewKey) -> NewAdminApiKey:
    url = chosen.database_url.get_secret_value() if chosen.database_url else None
    database = storage.connect(url, chosen.data_dir, bus=MemoryBus())
    await database.open()
    try:
        by = Change(COMMAND_LINE, int(SystemClock().now()))
        return await database.write(api_keys.create_admin, new, by)
    except Unavailable as error:
        raise ConfigurationError(error.message) from None
    finally:
        await database.close()


async def create(
    client: Client, anybody: Client, project: str, name: str, lifetime: int | None
) -> None:
    """Makes a service account with a key, and prints the secret. `anybody` is a client with a key
    that nobody has made: if it is let in, keys were not required.
    """
    async with client, anybody:
        found = await projects.find(client, project)
        was_open = await _is_let_in(anybody)
        path = f"{projects.path_of(found.id)}/service_accounts"
        body = {"name": name, "expires_in_seconds": lifetime}
        made = (await client.post(path, body, NewServiceAccount)).api_key
    if made is None:
        raise RequestFailed("The server has made no key.")
    _show(made)
    if was_open:
        tell(_FIRST)


async def _is_let_in(anybody: Client) -> bool:
    try:
        await anybody.get("/vector_stores?limit=1", Object)
    except RequestRefused:
        return False
    return True


async def list_all(client: Client, project: str | None) -> None:
    """Prints the keys of a project, or the admin keys: id, the end of the secret, last use, expiry,
    name.
    """
    async with client:
        if project is None:
            async for key in objects(client, ADMINS, AdminApiKey):
                _row(key)
            return
        found = await projects.find(client, project)
        path = f"{projects.path_of(found.id)}/api_keys"
        async for each in objects(client, path, ProjectApiKey):
            _row(each)


async def rotate(client: Client, key_id: str, overlap: int, lifetime: int | None) -> None:
    """Makes another key for the owner of one, prints its secret, and ends the old one after so many
    seconds. If that fails, both are good, and the error says so.
    """
    async with client:
        path, key = await _find(client, key_id)
        body = {"name": key.name, "expires_in_seconds": lifetime}
        made: NewAdminApiKey | NewProjectApiKey
        if isinstance(key, AdminApiKey):
            made = await client.post(ADMINS, body, NewAdminApiKey)
        else:
            owner = quote(key.owner.service_account.id, safe="")
            accounts = path.partition("/api_keys/")[0]
            keys = f"{accounts}/service_accounts/{owner}/api_keys"
            made = await client.post(keys, body, NewProjectApiKey)
        _show(made)
        try:
            if overlap:
                await client.post(path, {"expires_in_seconds": overlap}, type(key))
            else:
                await client.delete(path)
        except RequestFailed as error:
            raise RequestFailed(f"{error} The old key {line(key_id)} is still good.") from None


async def revoke(client: Client, key_id: str) -> None:
    """Deletes a key."""
    async with client:
        path, key = await _find(client, key_id)
        await client.delete(path)
    say(f"{line(key.id)}  {line(key.redacted_value)}  {line(key.name)}")


async def _find(client: Client, key_id: str) -> tuple[str, AdminApiKey | ProjectApiKey]:
    """Returns a key with its path. Raises `RequestFailed` where there is none."""
    path = f"{ADMINS}/{quote(key_id, safe='')}"
    if (admins := await _get(client, path, AdminApiKey)) is not None:
        return path, admins
    async for project in projects.all_of(client):
        path = f"{projects.path_of(project.id)}/api_keys/{quote(key_id, safe='')}"
        if (found := await _get(client, path, ProjectApiKey)) is not None:
            return path, found
    raise RequestFailed(f"There is no key '{line(key_id)}'.")


async def _get(client: Client, path: str, kind: type[K]) -> K | None:
    try:
        return await client.get(path, kind)
    except RequestRefused as error:
        if error.status == 404:
            return None
        raise


def _show(made: NewAdminApiKey | NewProjectApiKey) -> None:
    """Prints a secret on a line of its own, and its id beside it."""
    say(made.value)
    tell(f"{made.id} {_ONCE}")


def _row(key: AdminApiKey | ProjectApiKey) -> None:
    used, expires = _day(key.last_used_at), _day(key.expires_at)
    shown = f"{line(key.id)}  {line(key.redacted_value)}"
    say(f"{shown}  used {used:<16}  expires {expires:<16}  {line(key.name)}")


def _day(seconds: int | None) -> str:
    return "never" if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))
