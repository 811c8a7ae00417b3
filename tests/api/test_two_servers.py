"""A stream of one server tells what another server did to the run before."""

import asyncio

from starlette.types import Message as Sent

from perdure.api.cursor import Cursor
from perdure.api.event_stream import EventStream
from perdure.bus.memory import MemoryBus
from perdure.commands import events, leases, run_writes
from perdure.storage.postgres import PostgreSQL
from tests.api.sse import names
from tests.commands.acts import Acts
from tests.patience import PATIENCE_SECONDS


async def test_a_run_that_is_taken_over_is_told_without_a_gap(postgres_url: str) -> None:
    """The events of the dead worker came over no bus to the listener, and stand in the log."""
    bus = MemoryBus()
    here = PostgreSQL(postgres_url, bus=bus)
    there = PostgreSQL(postgres_url, bus=MemoryBus())
    await asyncio.gather(here.open(), there.open())
    acts = Acts(here)
    run = await acts.queued()
    sent: list[bytes] = []
    begun = asyncio.Event()

    async def send(message: Sent) -> None:
        sent.append(message.get("body", b""))
        if b"thread.run.queued" in sent[-1]:
            begun.set()

    async def receive() -> Sent:
        await asyncio.Event().wait()
        raise AssertionError("it never goes away")

    # Nobody looks into the log for silence before ten minutes are over.
    stream = EventStream(
        bus.subscribe(run.id), run_id=run.id, database=here, keep_alive=600, after=Cursor()
    )
    listening = asyncio.ensure_future(stream({}, receive, send))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await begun.wait()
        dead = await Acts(there).claim(run)
        await there.write(run_writes.open_message, dead)
        await here.write(leases.rescue, now=float(acts.now), everybody=True, limit=10)
        hold = await acts.claim(run, owner="worker_2")
        await here.write(run_writes.open_message, hold)
        await acts.complete(hold)
        await listening
    log = [event.name for event in await here.read(events.after, run.id, 0)]
    # The worker told no text over the bus: it is told before the event that has all of it.
    end = log.index("thread.message.completed")
    expected = [*log[:end], "thread.message.delta", *log[end:], "done"]
    assert names(b"".join(sent).decode()) == expected
    assert log.count("thread.run.in_progress") == 2
    await asyncio.gather(here.close(), there.close())


async def test_a_new_run_that_another_server_tells_of_first_is_told_from_its_beginning(
    postgres_url: str,
) -> None:
    """It claims the run, and its word comes before this server has told that there is a run."""
    bus = MemoryBus()
    here = PostgreSQL(postgres_url, bus=MemoryBus())
    await here.open()
    acts = Acts(here)
    sent: list[bytes] = []

    async def send(message: Sent) -> None:
        sent.append(message.get("body", b""))

    async def receive() -> Sent:
        await asyncio.Event().wait()
        raise AssertionError("it never goes away")

    hold = await acts.writing()
    await acts.complete(hold)
    log = await here.read(events.after, hold.run_id, 0)
    stream = EventStream(
        bus.subscribe(hold.run_id), run_id=hold.run_id, database=here, keep_alive=600
    )
    for event in [*log[2:3], *log]:
        bus.publish(hold.run_id, event)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await stream({}, receive, send)
    told = [name for name in names(b"".join(sent).decode()) if name != "thread.message.delta"]
    assert told == [*(event.name for event in log), "done"]
    await here.close()
