"""What `Database.write` promises, on every database."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from perdure.errors import NotFound, Unavailable
from perdure.storage import connect
from perdure.storage.database import Database, Transaction
from perdure.wire.events import Publication
from tests.patience import until
from tests.storage.rows import (
    RecordingBus,
    add_event,
    add_run,
    add_thread,
    count,
    event,
    has_thread,
    held,
    increment,
    start,
)


def add_and_fail(tx: Transaction, thread_id: str) -> None:
    add_thread(tx, thread_id, tells=(666,))
    raise NotFound("No thread found with id 'thread_x'.")


async def test_a_write_returns_what_its_command_returned(database: Database) -> None:
    assert await database.write(add_thread, "thread_1", tells=()) == 1


async def test_the_next_read_sees_a_write_that_returned(database: Database) -> None:
    assert not await database.read(has_thread, "thread_1")
    await database.write(add_thread, "thread_1")
    assert await database.read(has_thread, "thread_1")


async def test_a_command_that_raises_leaves_nothing_and_tells_nothing(
    database: Database, bus: RecordingBus
) -> None:
    with pytest.raises(NotFound, match="No thread found with id 'thread_x'"):
        await database.write(add_and_fail, "thread_1")
    assert not await database.read(has_thread, "thread_1")
    assert bus.published == []


async def test_a_command_that_raises_takes_nobody_of_its_batch_with_it(
    database: Database, bus: RecordingBus
) -> None:
    async with held(database):
        before, failing, after = await start(
            database.write(add_thread, "thread_1", tells=(1,)),
            database.write(add_and_fail, "thread_2"),
            database.write(add_thread, "thread_3", tells=(3,)),
        )
    assert await before == 1
    assert await after == 1
    with pytest.raises(NotFound):
        await failing
    found = [await database.read(has_thread, f"thread_{n}") for n in (1, 2, 3)]
    assert found == [True, False, True]
    assert bus.published == [("thread_1", event(1)), ("thread_3", event(3))]


async def test_a_broken_statement_takes_nobody_of_its_batch_with_it(database: Database) -> None:
    """PostgreSQL would refuse the rest of the transaction, were there no savepoint."""
    await database.write(add_thread, "thread_1")
    async with held(database):
        twice, other = await start(
            database.write(add_thread, "thread_1"), database.write(add_thread, "thread_2")
        )
    with pytest.raises(Exception, match=r"(?i)unique"):
        await twice
    assert await other == 1


@pytest.mark.parametrize("together", [False, True])
async def test_a_command_that_swallows_an_error_of_the_database_is_written_or_raises(
    database: Database, together: bool
) -> None:
    """PostgreSQL rolls such a transaction back and calls that a success; we do not."""

    def swallow(tx: Transaction) -> None:
        add_thread(tx, "thread_2")
        with pytest.raises(Exception, match=r"(?i)unique"):
            add_thread(tx, "thread_1")

    await database.write(add_thread, "thread_1")
    async with held(database):
        others = [database.write(add_thread, "thread_3")] if together else []
        write, *_ = await start(database.write(swallow), *others)
    (error,) = await asyncio.gather(write, return_exceptions=True)
    assert await database.read(has_thread, "thread_2") is (error is None)
    assert await database.read(has_thread, "thread_3") is together
    assert error is None or "went on after an error of the database" in str(error)


async def test_a_batch_is_one_transaction(
    database: Database, outsider: Callable[[str], int]
) -> None:
    async with held(database):
        tasks = await start(
            database.write(add_thread, "thread_1"),
            database.write(lambda _: outsider("thread_1")),
        )
    assert [await task for task in tasks] == [1, 0]
    assert outsider("thread_1") == 1


async def test_what_is_told_holds_already(
    database: Database, bus: RecordingBus, outsider: Callable[[str], int]
) -> None:
    seen: list[int] = []
    bus.on_publish = lambda topic, _: seen.append(outsider(topic))
    await database.write(add_thread, "thread_1", tells=(1,))
    assert seen == [1]


async def test_all_of_a_batch_is_told_in_order_before_a_caller_resumes(
    database: Database, bus: RecordingBus
) -> None:
    happened: list[object] = []
    bus.on_publish = lambda _, told: happened.append(told)

    async def write(number: int) -> None:
        await database.write(add_thread, f"thread_{number}", tells=(number, number + 1))
        happened.append(f"resumed {number}")

    async with held(database):
        tasks = await start(write(10), write(20), write(30))
    await asyncio.gather(*tasks)
    told = [event(number) for number in (10, 11, 20, 21, 30, 31)]
    assert happened == [*told, "resumed 10", "resumed 20", "resumed 30"]


async def test_writes_are_made_in_the_order_in_which_they_were_asked(database: Database) -> None:
    names = [f"event.{number}" for number in range(300)]
    await database.write(add_thread, "thread_1")
    await database.write(add_run, "run_1", thread_id="thread_1")
    seqs = await asyncio.gather(*(database.write(add_event, "run_1", name) for name in names))
    assert seqs == sorted(seqs)
    stored = await database.read(lambda tx: tx.all("events.after", run_id="run_1", after=0))
    assert [row["name"] for row in stored] == names


async def test_200_increments_at_once_all_count(database: Database) -> None:
    await database.write(add_thread, "thread_1")
    await asyncio.gather(*(database.write(increment, "thread_1") for _ in range(200)))
    assert await database.read(count, "thread_1") == 200


async def test_a_cancelled_caller_disturbs_nobody(database: Database, bus: RecordingBus) -> None:
    """Its own command is made all the same: it had been asked for."""
    async with held(database):
        before, cancelled, after = await start(
            *(database.write(add_thread, f"thread_{n}", tells=(n,)) for n in (1, 2, 3))
        )
        cancelled.cancel()
    assert [await before, await after] == [1, 1]
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert await database.read(has_thread, "thread_2")
    assert [told for _, told in bus.published] == [event(1), event(2), event(3)]


async def test_a_listener_that_breaks_keeps_no_caller_waiting_and_nothing_from_the_others(
    database: Database, bus: RecordingBus
) -> None:
    unhandled: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: unhandled.append(context["exception"])
    )

    def fail(_: str, __: Publication) -> None:
        raise RuntimeError("the listener broke")

    bus.on_publish = fail
    assert await database.write(add_thread, "thread_1", tells=(1, 2)) == 1
    assert [str(error) for error in unhandled] == ["the listener broke"] * 2


async def test_even_stop_iteration_reaches_the_caller(database: Database) -> None:
    with pytest.raises(RuntimeError, match="a command raised StopIteration"):
        await database.write(lambda _: next(iter(())))


async def test_close_finishes_the_writes_that_wait(
    database: Database, database_url: str | None, data_dir: Path
) -> None:
    async with held(database):
        tasks = await start(*(database.write(add_thread, f"thread_{n}") for n in range(200)))
        (closing,) = await start(database.close())
    await closing
    assert [await task for task in tasks] == [1] * 200
    with pytest.raises(Unavailable, match=r"^The database is closed\.$"):
        await database.write(add_thread, "thread_x")
    again = connect(database_url, data_dir, bus=RecordingBus())
    await again.open()
    assert await again.read(has_thread, "thread_199")
    await again.close()


async def test_closing_twice_is_closing_once(database: Database) -> None:
    await database.close()
    await database.close()


async def test_many_returns_the_rows_in_order(database: Database) -> None:
    def append(tx: Transaction, names: list[str]) -> list[int]:
        event = {"run_id": "run_1", "data": "{}", "told_at": 1}
        rows = tx.many("events.insert", (event | {"name": name} for name in names))
        return [row["seq"] for row in rows]

    await database.write(add_thread, "thread_1")
    await database.write(add_run, "run_1", thread_id="thread_1")
    names = [f"event.{number}" for number in range(20)]
    seqs = await database.write(append, names)
    assert seqs == sorted(set(seqs))
    stored = await database.read(lambda tx: tx.all("events.after", run_id="run_1", after=0))
    assert [(row["seq"], row["name"]) for row in stored] == list(zip(seqs, names, strict=True))
    assert await database.write(append, []) == []


async def test_many_also_takes_a_statement_without_rows(database: Database) -> None:
    def add(tx: Transaction) -> int:
        threads = [{"id": f"thread_{n}", "project": "p", "body": "{}"} for n in range(3)]
        return len(tx.many("threads.insert", threads))

    assert await database.write(add) == 0
    assert await database.read(has_thread, "thread_2")


async def test_a_body_comes_back_as_it_was(database: Database) -> None:
    body = json.dumps({"text": "\u0000 ' \" \\ % :name %(name)s 😀 \u2028"}, ensure_ascii=False)

    def add(tx: Transaction) -> None:
        tx.run("threads.insert", id="thread_1", project="p", body=body)

    await database.write(add)
    row = await database.read(lambda tx: tx.one("threads.get", id="thread_1", project="p"))
    assert row is not None
    assert row["body"] == body


async def test_an_unknown_statement_is_named(database: Database) -> None:
    with pytest.raises(KeyError, match=r"storage/sql has no statement 'threads\.gat'"):
        await database.write(lambda tx: tx.one("threads.gat"))


async def test_an_urgent_write_returns_raises_and_tells_like_any_other(
    database: Database, bus: RecordingBus
) -> None:
    urgent = database.write_now
    assert await asyncio.to_thread(urgent, add_thread, "thread_1", tells=(1,)) == 1
    with pytest.raises(NotFound):
        await asyncio.to_thread(urgent, add_and_fail, "thread_2")
    assert await database.read(has_thread, "thread_1")
    assert not await database.read(has_thread, "thread_2")
    assert bus.published == [("thread_1", event(1))]


async def test_an_urgent_write_returns_while_the_event_loop_stands_still(
    database: Database,
) -> None:
    assert database.write_now(add_thread, "thread_1") == 1


async def test_an_urgent_write_does_not_wait_for_the_writes_that_wait(database: Database) -> None:
    """A batch has 128 commands at most; many batches wait, and it comes before the second."""
    order: list[str] = []
    async with held(database):
        waiting = await start(
            *(database.write(lambda _: order.append("waited")) for _ in range(1000))
        )
        urgent = asyncio.create_task(
            asyncio.to_thread(database.write_now, lambda _: order.append("urgent"))
        )
        await until(lambda: _waits(database) or urgent.done())
    await asyncio.gather(urgent, *waiting)
    assert order.index("urgent") <= 128


def _waits(database: Database) -> bool:
    """Whether an urgent write has been handed over to SQLite's writer."""
    writer = database._writer  # type: ignore[attr-defined]
    return bool(writer._urgent)


async def test_a_closed_database_refuses_urgent_writes(data_dir: Path) -> None:
    database = connect(None, data_dir, bus=RecordingBus())
    with pytest.raises(Unavailable):
        database.write_now(add_thread, "thread_1")
