"""What one server did to keys and projects, the others of its database know at once."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
from pydantic import SecretStr

from perdure import settings
from perdure.app import Perdure
from perdure.bus.shared import SharedBus
from perdure.testing.manual_clock import ManualClock
from tests.api.admin import ADMIN, Admin, bearer
from tests.patience import PATIENCE_SECONDS, until


async def test_a_key_that_is_revoked_at_one_server_is_refused_at_the_other(
    postgres_url: str, tmp_path: Path
) -> None:
    """The clocks stand still, so that no server looks again by itself: the hint does it."""
    clock = ManualClock()
    async with AsyncExitStack() as stack:
        here, there = [
            await _client(stack, postgres_url, tmp_path / name, clock) for name in ("a", "b")
        ]
        admin = Admin(here)
        blue = await admin.project("Blue")
        key = await admin.key(blue)
        await _until(there, key.secret, 200)
        await admin.delete(f"/projects/{blue}/api_keys/{key.id}")
        assert await _status(here, key.secret) == 401
        await _until(there, key.secret, 401)
        other = await admin.key(blue)
        await _until(there, other.secret, 200)
        await Admin(there).post(f"/projects/{blue}/archive")
        await _until(here, other.secret, 401)


async def _client(
    stack: AsyncExitStack, url: str, folder: Path, clock: ManualClock
) -> httpx2.AsyncClient:
    """A client of a server of its own, which knows the others."""
    app = Perdure(
        settings.only(
            data_dir=folder, database_url=SecretStr(url), admin_key=ADMIN, drain_seconds=0
        ),
        clock=clock,
        address=folder.name,
    )
    await app.open()
    stack.push_async_callback(app.close)
    bus = app.bus
    assert isinstance(bus, SharedBus)
    if folder.name != "a":
        await until(lambda: bus.peers)
    transport = httpx2.ASGITransport(app.asgi)
    client = httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1/v1", timeout=PATIENCE_SECONDS
    )
    return await stack.enter_async_context(client)


async def _status(client: httpx2.AsyncClient, secret: str) -> int:
    return (await client.get("/vector_stores", headers=bearer(secret))).status_code


async def _until(client: httpx2.AsyncClient, secret: str, status: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await _status(client, secret) != status:  # noqa: ASYNC110 # as in `until`
            await asyncio.sleep(0)
