"""Which worker is given which run."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from perdure import ids
from perdure.bus.memory import MemoryBus
from perdure.commands import assistants, creation, leases, runs, servers, threads
from perdure.commands.creation import NewRun
from perdure.commands.leases import KEPT_SECONDS, ClaimedRuns
from perdure.commands.servers import CodeSessions, ServerIdentity
from perdure.storage.database import Database, Transaction
from perdure.storage.postgres import PostgreSQL
from perdure.wire.assistants import CreateAssistant
from perdure.wire.runs import CreateRun, Run
from perdure.wire.threads import CreateThread
from perdure.wire.tools import CodeInterpreterTool, Tool
from tests.commands.acts import LIFETIME, START, Acts

LEASE = 10.0


@pytest.fixture
def acts(database: Database) -> Acts:
    return Acts(database)


async def queued(
    acts: Acts, project: str, *, thread_id: str | None = None, code: bool = False
) -> Run:
    """A run that waits, on a thread of its own unless one is named."""
    tools: list[Tool] = [CodeInterpreterTool()] if code else []
    body = CreateAssistant(model="m", instructions="Answer.", tools=tools)
    write = acts.database.write
    assistant = await write(assistants.create, body, project=project, now=acts.now)
    thread = await write(threads.create, CreateThread(), project=project, now=acts.now)
    new = NewRun(ids.new(ids.RUN), project, acts.now, LIFETIME)
    return await write(creation.create, thread.id, CreateRun(assistant_id=assistant.id), new)


async def claim(
    acts: Acts, *, limit: int = 10, after: str = "", owner: str = "server_1"
) -> ClaimedRuns:
    return await acts.database.write(
        leases.claim_waiting,
        owner=owner,
        now=float(acts.now),
        lease_seconds=LEASE,
        limit=limit,
        after=after,
    )


def taken(claimed: ClaimedRuns) -> list[str]:
    return [each.held.run.id for each in claimed.runs]


async def test_the_oldest_run_is_taken_first_and_no_more_than_there_is_room_for(
    acts: Acts,
) -> None:
    waiting = [(await queued(acts, "p")).id for _ in range(3)]
    assert taken(await claim(acts, limit=2)) == waiting[:2]
    assert taken(await claim(acts, limit=2)) == waiting[2:]
    assert taken(await claim(acts, limit=2)) == []


async def test_projects_take_turns_beginning_behind_the_one_that_was_served_last(
    acts: Acts,
) -> None:
    many = [(await queued(acts, "a")).id for _ in range(3)]
    few = {project: (await queued(acts, project)).id for project in ("b", "c")}
    first = await claim(acts, limit=2, after="a")
    assert taken(first) == [few["b"], few["c"]]
    assert first.after == "c"
    assert taken(await claim(acts, after=first.after)) == many


async def test_a_claimed_run_is_in_progress_under_a_lease_of_its_owner(acts: Acts) -> None:
    run = await queued(acts, "p")
    (claimed,) = (await claim(acts)).runs
    assert claimed.lease == ("server_1", 1, START + LEASE)
    assert claimed.held.run.status == "in_progress"
    assert claimed.held.run.id == run.id


async def test_a_run_whose_row_is_damaged_keeps_no_other_from_its_worker(
    acts: Acts,
) -> None:
    broken, sound = await queued(acts, "p"), await queued(acts, "p")

    def spoil(tx: Transaction) -> None:
        tx.run("runs.update", id=broken.id, project="p", body="no JSON")

    await acts.database.write(spoil)
    claimed = await claim(acts)
    assert taken(claimed) == [sound.id]
    assert claimed.unreadable == [broken.id]


async def test_a_run_that_is_past_its_time_ends_and_is_not_taken(acts: Acts) -> None:
    late = await queued(acts, "p")
    acts.now += LIFETIME
    fresh = await queued(acts, "p")
    assert taken(await claim(acts)) == [fresh.id]
    assert await status(acts, late) == "expired"


async def status(acts: Acts, run: Run) -> str:
    def look(tx: Transaction) -> str:
        held = runs.lock(tx, run.id)
        assert held is not None
        return held.run.status

    return await acts.database.write(look)


async def beat(acts: Acts, server_id: str, *, session: str, until: float = LEASE) -> None:
    """A server says that it lives and has the code session of a thread."""
    await acts.database.write(
        servers.beat,
        ServerIdentity(server_id, "127.0.0.1:7373", "1", "all", float(acts.now)),
        runs=0,
        sessions=CodeSessions(begun=[session]),
        now=float(acts.now),
        until=acts.now + until,
    )


async def test_a_run_with_code_goes_to_who_has_the_session_of_its_thread(acts: Acts) -> None:
    run = await queued(acts, "p", code=True)
    await beat(acts, "server_2", session=run.thread_id)
    assert taken(await claim(acts, owner="server_1")) == []
    assert taken(await claim(acts, owner="server_2")) == [run.id]


async def test_who_has_the_session_is_waited_for_no_longer_than_that(acts: Acts) -> None:
    run = await queued(acts, "p", code=True)
    await beat(acts, "server_2", session=run.thread_id)
    acts.now += int(KEPT_SECONDS)
    assert taken(await claim(acts, owner="server_1")) == [run.id]


async def test_nobody_waits_for_a_server_that_is_gone_or_for_a_session_that_ended(
    acts: Acts,
) -> None:
    gone = await queued(acts, "p", code=True)
    await beat(acts, "server_2", session=gone.thread_id, until=100)
    acts.now += int(LEASE) + 1
    ended = await queued(acts, "p", code=True)
    await beat(acts, "server_3", session=ended.thread_id, until=0)
    again = await queued(acts, "p", code=True)
    assert taken(await claim(acts, owner="server_1")) == [gone.id, ended.id, again.id]


async def test_a_run_without_code_waits_for_no_session(acts: Acts) -> None:
    run = await queued(acts, "p")
    await beat(acts, "server_2", session=run.thread_id)
    assert taken(await claim(acts, owner="server_1")) == [run.id]


@pytest.fixture
async def two(postgres_url: str) -> AsyncIterator[tuple[Acts, Acts]]:
    """Two servers on one PostgreSQL."""
    databases = [PostgreSQL(postgres_url, bus=MemoryBus()) for _ in range(2)]
    await asyncio.gather(*(each.open() for each in databases))
    yield Acts(databases[0]), Acts(databases[1])
    await asyncio.gather(*(each.close() for each in databases))


async def test_workers_that_claim_at_once_share_the_runs_and_nobody_waits(
    two: tuple[Acts, Acts],
) -> None:
    waiting = {(await queued(two[0], "p")).id for _ in range(20)}
    rounds = await asyncio.gather(
        *(claim(acts, limit=1, owner=f"server_{n % 2}") for n, acts in enumerate(two * 10))
    )
    found = [run_id for each in rounds for run_id in taken(each)]
    assert len(found) == len(set(found))
    # One that another had its hand on was passed over.
    found += taken(await claim(two[0], limit=20))
    assert set(found) == waiting
