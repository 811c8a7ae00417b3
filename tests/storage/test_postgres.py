"""What only PostgreSQL has: other processes, and a network in between."""

import asyncio
import socket
from collections.abc import AsyncIterator

import psycopg
import pytest

from perdure.bus.memory import MemoryBus
from perdure.errors import ConfigurationError, NotFound, Unavailable
from perdure.storage.database import Transaction
from perdure.storage.postgres import PostgreSQL
from tests.databases import CLEANER, PostgresServer
from tests.patience import PATIENCE_SECONDS
from tests.storage.rows import (
    RecordingBus,
    add_thread,
    count,
    event,
    has_thread,
    held,
    increment,
    start,
)

UNAVAILABLE = r"^The database is not available right now; please try again\.$"
END_SESSIONS = f"""
    SELECT count(pg_terminate_backend(pid, {PATIENCE_SECONDS * 1000:.0f})) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@pytest.fixture
async def database(postgres_url: str, bus: RecordingBus) -> AsyncIterator[PostgreSQL]:
    database = PostgreSQL(postgres_url, bus=bus)
    await database.open()
    yield database
    await database.close()


def end_sessions(url: str) -> int:
    """Cuts all connections of the database, as a restart of the server would; how many."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(END_SESSIONS).fetchone()
        assert row is not None
        return int(row[0])


async def refusal(url: str) -> str:
    """Why the database is not opened, in one sentence."""
    with pytest.raises(ConfigurationError) as refused:
        await PostgreSQL(url, bus=MemoryBus()).open()
    sentence = str(refused.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


async def test_a_shared_database_is_not_exclusive(database: PostgreSQL) -> None:
    assert not database.exclusive


async def test_a_lost_connection_is_recovered_on_the_next_use(
    database: PostgreSQL, postgres_url: str
) -> None:
    await database.write(add_thread, "thread_1")
    await asyncio.gather(*(database.read(has_thread, "thread_1") for _ in range(20)))
    assert await asyncio.to_thread(end_sessions, postgres_url) >= 2
    assert await database.write(add_thread, "thread_2") == 1
    assert await database.read(has_thread, "thread_2")


async def test_a_batch_whose_connection_breaks_before_its_commit_is_made_once_more(
    database: PostgreSQL, postgres_url: str, bus: RecordingBus
) -> None:
    runs = 0

    def break_once(tx: Transaction) -> int:
        nonlocal runs
        runs += 1
        if runs == 1:
            end_sessions(postgres_url)
        return add_thread(tx, "thread_2", tells=(2,))

    async with held(database):
        tasks = await start(
            database.write(add_thread, "thread_1", tells=(1,)),
            database.write(break_once),
            database.write(add_thread, "thread_3", tells=(3,)),
        )
    assert [await task for task in tasks] == [1, 1, 1]
    assert runs == 2
    assert [told for _, told in bus.published] == [event(1), event(2), event(3)]


async def test_a_batch_that_is_made_once_more_forgets_its_first_time(
    database: PostgreSQL, postgres_url: str, bus: RecordingBus
) -> None:
    runs: list[str] = []

    def fail_once(tx: Transaction) -> int:
        runs.append("fail")
        if len(runs) == 1:
            raise NotFound("not yet")
        return add_thread(tx, "thread_1", tells=(1,))

    def break_once(tx: Transaction) -> int:
        runs.append("break")
        if len(runs) == 2:
            end_sessions(postgres_url)
        return add_thread(tx, "thread_2", tells=(2,))

    async with held(database):
        tasks = await start(database.write(fail_once), database.write(break_once))
    assert [await task for task in tasks] == [1, 1]
    assert runs == ["fail", "break", "fail", "break"]
    assert [told for _, told in bus.published] == [event(1), event(2)]


async def test_a_command_that_always_breaks_the_connection_is_given_up(
    database: PostgreSQL, postgres_url: str
) -> None:
    runs = 0

    def always_break(tx: Transaction) -> int:
        nonlocal runs
        runs += 1
        end_sessions(postgres_url)
        return add_thread(tx, "thread_1")

    with pytest.raises(Unavailable, match=UNAVAILABLE):
        await database.write(always_break)
    assert runs == 2
    assert await database.write(add_thread, "thread_1") == 1


async def test_a_commit_without_an_answer_is_an_error_and_not_made_again(
    database: PostgreSQL, postgres_url: str, bus: RecordingBus
) -> None:
    """Nobody knows whether it holds: to make it again could make it twice."""
    with psycopg.connect(postgres_url) as connection:
        connection.execute(
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"
        )
        connection.execute(
            "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON threads DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW WHEN (NEW.id = 'thread_fatal') EXECUTE FUNCTION die()"
        )
    runs: list[str] = []

    def add(tx: Transaction, thread_id: str) -> int:
        runs.append(thread_id)
        return add_thread(tx, thread_id, tells=(1,))

    async with held(database):
        tasks = await start(database.write(add, "thread_1"), database.write(add, "thread_fatal"))
    for task in tasks:
        with pytest.raises(Unavailable, match=UNAVAILABLE):
            await task
    assert runs == ["thread_1", "thread_fatal"]
    assert bus.published == []
    assert await database.write(add, "thread_2") == 1


async def test_a_server_that_stays_away_makes_the_database_unavailable_until_it_is_back(
    database: PostgreSQL, postgres_url: str, postgres_server: PostgresServer
) -> None:
    name = postgres_url.partition("@/")[2].partition("?")[0]
    postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    postgres_server.execute(
        f"SELECT pg_terminate_backend(pid, {PATIENCE_SECONDS * 1000:.0f}) FROM pg_stat_activity "
        f"WHERE datname = '{name}'"
    )
    tasks = await start(*(database.write(add_thread, f"thread_{n}") for n in range(5)))
    for task in tasks:
        with pytest.raises(Unavailable, match=UNAVAILABLE):
            await task
    postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert await database.write(add_thread, "thread_1") == 1
    assert await database.read(has_thread, "thread_1")


async def test_processes_that_lock_rows_crosswise_all_get_through(
    database: PostgreSQL, postgres_url: str
) -> None:
    other = PostgreSQL(postgres_url, bus=MemoryBus())
    await other.open()
    await database.write(add_thread, "thread_1")
    await database.write(add_thread, "thread_2")
    writes = []
    for _ in range(40):
        writes.append(database.write(increment, "thread_1", "thread_2"))
        writes.append(other.write(increment, "thread_2", "thread_1"))
    await asyncio.gather(*writes)
    counts = [await other.read(count, thread_id) for thread_id in ("thread_1", "thread_2")]
    assert counts == [80, 80]
    await other.close()


async def test_a_batch_does_not_wait_long_for_a_row_that_another_process_holds(
    database: PostgreSQL, postgres_url: str
) -> None:
    """Its other commands are made meanwhile; the one that waits gets the row in the end."""
    await database.write(add_thread, "thread_1")
    with psycopg.connect(postgres_url) as other:
        other.execute("SELECT FROM threads WHERE id = 'thread_1' FOR UPDATE")
        async with held(database):
            first, blocked = await start(
                database.write(add_thread, "thread_2"),
                database.write(increment, "thread_1"),
            )
        assert await asyncio.wait_for(first, PATIENCE_SECONDS) == 1
        assert not blocked.done()
        other.rollback()
        await blocked
    assert await database.read(count, "thread_1") == 1


async def test_a_command_of_a_batch_waits_for_a_row_for_less_than_one_on_its_own(
    database: PostgreSQL,
) -> None:
    def longest_wait(tx: Transaction) -> str:
        row = tx._cursor.execute("SHOW lock_timeout").fetchone()  # type: ignore[attr-defined]
        return str(row["lock_timeout"])

    async with held(database):
        together = await start(database.write(longest_wait), database.write(longest_wait))
    assert [await each for each in together] == ["100ms", "100ms"]
    assert await database.write(longest_wait) == "2s"


async def test_a_wrong_password_is_refused_without_showing_it(
    postgres_server: PostgresServer,
) -> None:
    postgres_server.execute("DROP ROLE IF EXISTS guarded")
    postgres_server.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    url = postgres_server.url("postgres", user="guarded:S3cr3t")
    sentence = await refusal(url)
    assert 'password authentication failed for user "guarded"' in sentence
    assert "S3cr3t" not in sentence


async def test_a_server_that_is_not_there_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        sentence = await refusal(f"postgresql://me:S3cr3t@127.0.0.1:{port}/perdure")
    assert sentence == (
        f"The PostgreSQL database cannot be opened: connection failed: connection to server at "
        f'"127.0.0.1", port {port} failed: Connection refused.'
    )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:S3c@r3t@127.0.0.1/perdure",
        "postgresql://me:S3c/r3t@127.0.0.1/perdure",
        "postgresql://me:S3c%r3t@127.0.0.1/perdure",
        "postgresql://me:S3c r3t@127.0.0.1/perdure",
        "postgresql://me:S3cr3t@[::1/perdure",
        "postgresql://me:S3cr3t@127.0.0.1/perdure?colour=red",
    ],
)
async def test_a_malformed_url_is_refused_without_showing_its_password(url: str) -> None:
    assert await refusal(url) == (
        "The database URL is malformed; it should look like postgresql://user:password@host:5432"
        "/database, with special characters in the password percent-encoded."
    )


async def test_a_database_that_does_not_exist_is_named(postgres_server: PostgresServer) -> None:
    assert 'database "nothing" does not exist.' in await refusal(postgres_server.url("nothing"))


async def test_a_database_of_another_encoding_is_refused(postgres_server: PostgresServer) -> None:
    postgres_server.execute("CREATE DATABASE latin ENCODING LATIN1 LOCALE 'C' TEMPLATE template0")
    assert await refusal(postgres_server.url("latin")) == (
        "The PostgreSQL database has the encoding LATIN1; Perdure needs UTF8."
    )
    postgres_server.drop("latin")


async def test_what_the_url_says_of_the_connection_counts(postgres_url: str) -> None:
    database = PostgreSQL(f"{postgres_url}&application_name=mine", bus=MemoryBus())
    await database.open()
    with psycopg.connect(postgres_url) as connection:
        names = connection.execute(
            "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = "
            "current_database() AND pid <> pg_backend_pid() AND application_name <> %s",
            [CLEANER],
        ).fetchall()
    assert names == [("mine",)]
    await database.close()


async def test_a_full_disk_is_named(database: PostgreSQL, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$"
        )
        connection.execute(
            "CREATE TRIGGER fill BEFORE INSERT ON threads FOR EACH ROW EXECUTE FUNCTION fill()"
        )
    with pytest.raises(Unavailable, match=r"^The disk of the database is full") as full:
        await database.write(add_thread, "thread_1")
    assert full.value.code == "disk_full"
    assert not database.is_full
    await database.require_space()
