"""The stream of a project's runs shows each change, whichever server made it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import psycopg
from starlette.types import Message as Sent

from perdure.api.run_changes import RunChanges
from perdure.bus.memory import MemoryBus
from perdure.commands import run_writes
from perdure.storage.database import Database
from perdure.storage.postgres import PostgreSQL
from perdure.testing.manual_clock import ManualClock
from perdure.wire.events import runs_topic
from tests.api import sse
from tests.api.sse import Told
from tests.commands.acts import PROJECT, Acts
from tests.patience import PATIENCE_SECONDS

_KEEP_ALIVE = ": keep-alive\n"


class Listener:
    """Reads a stream as a client does."""

    def __init__(self) -> None:
        self._text = ""
        self._news = asyncio.Event()
        self.left = asyncio.Event()

    async def first(self, count: int) -> list[Told]:
        """The first events, once there are so many."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(told := sse.events(self._text.replace(_KEEP_ALIVE, ""))) < count:
                await self._more()
        return told

    async def opened(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self._text:
                await self._more()

    async def _more(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def send(self, message: Sent) -> None:
        self._text += message.get("body", b"").decode()
        self._news.set()

    async def receive(self) -> Sent:
        await self.left.wait()
        return {"type": "http.disconnect"}


async def _always() -> bool:
    return True


@asynccontextmanager
async def listening(
    database: Database,
    bus: MemoryBus,
    *,
    project: str = PROJECT,
    after: int | None = None,
    keep_alive: float = 600,
) -> AsyncIterator[Listener]:
    """A stream that is open, and ends when its client leaves."""
    stream = RunChanges(
        bus.subscribe(runs_topic(project)),
        project=project,
        after=after,
        database=database,
        clock=ManualClock(),
        keep_alive=keep_alive,
        is_admitted=_always,
    )
    listener = Listener()
    task = asyncio.ensure_future(stream({}, listener.receive, listener.send))
    await listener.opened()
    yield listener
    listener.left.set()
    await asyncio.wait_for(task, PATIENCE_SECONDS)
    assert runs_topic(project) not in bus.topics


async def test_a_stream_begins_now_and_shows_each_change_with_the_run(
    database: Database, bus: MemoryBus
) -> None:
    acts = Acts(database)
    before = await acts.asking()
    async with listening(database, bus) as listener:
        hold = await acts.writing()
        await acts.fail(hold)
        await acts.cancel(before.run_id)
        told = await listener.first(6)
    assert [(each.name, each.data["id"]) for each in told] == [
        ("thread.run.created", hold.run_id),
        ("thread.run.queued", hold.run_id),
        ("thread.run.in_progress", hold.run_id),
        ("thread.run.failed", hold.run_id),
        ("thread.run.cancelling", before.run_id),
        ("thread.run.cancelled", before.run_id),
    ]
    assert told[3].data["last_error"]["code"] == "rate_limit_exceeded"


async def test_a_stream_that_goes_on_behind_a_place_misses_nothing(
    database: Database, bus: MemoryBus
) -> None:
    acts = Acts(database)
    async with listening(database, bus) as listener:
        first = await acts.queued()
        (created, *_) = await listener.first(2)
    hold = await acts.claim(first)
    async with listening(database, bus, after=int(created.id)) as listener:
        names = [each.name for each in await listener.first(3)]
        assert names[-1] == "thread.run.in_progress"
        await acts.database.write(run_writes.open_message, hold)
        await acts.fail(hold)
        assert (await listener.first(len(names) + 1))[-1].name == "thread.run.failed"


async def test_a_stream_shows_no_runs_of_another_project(
    database: Database, bus: MemoryBus
) -> None:
    acts = Acts(database)
    async with listening(database, bus, project="proj_other", after=0, keep_alive=0) as other:
        async with listening(database, bus) as own:
            await acts.queued()
            await own.first(2)
        assert await other.first(0) == []


async def test_changes_of_another_server_are_shown_even_if_no_hint_comes(
    postgres_url: str,
) -> None:
    """The buses of the two know nothing of each other: each look for silence reads the log."""
    bus = MemoryBus()
    here = PostgreSQL(postgres_url, bus=bus)
    there = PostgreSQL(postgres_url, bus=MemoryBus())
    await asyncio.gather(here.open(), there.open())
    async with listening(here, bus, keep_alive=0) as listener:
        run = await Acts(there).queued()
        told = await listener.first(2)
        assert {each.data["id"] for each in told} == {run.id}
    await asyncio.gather(here.close(), there.close())


async def test_an_event_that_comes_into_the_log_behind_a_later_one_is_shown(
    postgres_url: str,
) -> None:
    """Numbers are given before the commit, and two servers commit at the same time."""
    bus = MemoryBus()
    here = PostgreSQL(postgres_url, bus=bus)
    await here.open()
    acts = Acts(here)
    late, early = await acts.queued(), await acts.queued()
    async with (
        await psycopg.AsyncConnection.connect(postgres_url) as other,
        listening(here, bus, keep_alive=0) as listener,
    ):
        insert = (
            "INSERT INTO events (run_id, name, data, told_at) "
            "VALUES (%s, 'thread.run.in_progress', '{}', 0)"
        )
        # Its number is taken, and it is not committed.
        await other.execute(insert, [late.id])
        await acts.claim(early)
        assert len(await listener.first(1)) == 1
        await other.commit()
        assert len(await listener.first(2)) == 2
    await here.close()


async def test_the_stream_is_found_by_its_path(http: httpx2.AsyncClient) -> None:
    refused = await http.get("/runs/stream?after=x")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "after")
