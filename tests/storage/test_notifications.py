"""The link between servers on PostgreSQL, and what may stand in it."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress

import pytest
import uvloop
from psycopg.conninfo import conninfo_to_dict

from perdure.bus.link import LinkDown, LinkMessage
from perdure.errors import ConfigurationError
from perdure.storage import notifications
from perdure.storage.notifications import Notifications
from tests.patience import pass_time, until

_PORT = 5432
# What PostgreSQL's messages that carry a notification begin with.
_NOTIFICATION = b"A"


@pytest.fixture
async def pooler(postgres_url: str) -> AsyncIterator[str]:
    """The database behind something that passes on all but notifications, as a pooler does that
    gives a connection to one transaction at a time: another session has them.
    """
    found = conninfo_to_dict(postgres_url)
    socket = f"{found['host']}/.s.PGSQL.{_PORT}"
    tasks: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(socket)
        writers.extend((writer, server_writer))
        ways = (_pass(reader, server_writer), _filter(server_reader, writer))
        tasks.extend(asyncio.create_task(way) for way in ways)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield (
        f"postgresql://{found['user']}@127.0.0.1:{port}/{found['dbname']}"
        "?sslmode=disable&gssencmode=disable"
    )
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for writer in writers:
        writer.close()
    await asyncio.gather(*(each.wait_closed() for each in writers), return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def _filter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError):
        while True:
            head = await reader.readexactly(5)
            body = await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)
            if head[:1] != _NOTIFICATION:
                writer.write(head + body)
    writer.close()


async def test_a_check_finds_that_notifications_arrive(postgres_url: str) -> None:
    assert await notifications.check(postgres_url)


async def test_a_check_finds_that_a_pooler_keeps_them(pooler: str) -> None:
    checking = asyncio.ensure_future(notifications.check(pooler))
    for _ in range(3):
        await asyncio.sleep(0)
    while not checking.done():
        await asyncio.sleep(0)
        pass_time(0.01)
    assert not await checking


async def test_a_check_of_a_database_that_is_away_says_so() -> None:
    with pytest.raises(ConfigurationError, match=r"^Notifications cannot be sent: "):
        await notifications.check("postgresql://perdure:sk-secret@127.0.0.1:1/perdure")


async def test_messages_come_in_order_and_once_to_whom_they_are_for(postgres_url: str) -> None:
    received: dict[str, list[str]] = {"one": [], "two": []}
    links = {name: Notifications(postgres_url, server=name) for name in received}
    listening = {name: asyncio.Event() for name in received}
    tasks = [
        asyncio.create_task(link.listen(received[name].append, listening[name].set))
        for name, link in links.items()
    ]
    for event in listening.values():
        await event.wait()
    await links["one"].send(
        [LinkMessage(None, "a"), LinkMessage("two", "b"), LinkMessage("one", "c")]
    )
    await links["two"].send([LinkMessage("one", "d"), LinkMessage(None, "e")])
    await until(lambda: len(received["one"]) == 4 and len(received["two"]) == 3)
    assert received == {"one": ["a", "c", "d", "e"], "two": ["a", "b", "e"]}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for link in links.values():
        await link.close()


async def test_what_cannot_be_sent_is_said() -> None:
    link = Notifications("postgresql://perdure@127.0.0.1:1/perdure", server="one")
    with pytest.raises(LinkDown):
        await link.send([LinkMessage(None, "a")])


async def _give_up(url: str) -> None:
    """Gives a connection up that waits for notifications, and hears of one over the next."""
    received: list[str] = []
    times = 0

    def connected() -> None:
        nonlocal times
        times += 1

    link = Notifications(url, server="one")
    task = asyncio.create_task(link.listen(received.append, connected))
    for number in range(1, 4):
        await until(lambda number=number: times == number)  # type: ignore[misc]
        # It waits for the first notification, or it has had one.
        if number % 2:
            await link.send([LinkMessage("one", f"over connection {number}")])
            await until(lambda number=number: received[-1:] == [f"over connection {number}"])  # type: ignore[misc]
        link.reconnect()
    await until(lambda: times == 4)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await link.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_a_connection_that_is_given_up_is_made_again(
    postgres_url: str, run: Callable[[Coroutine[None, None, None]], None]
) -> None:
    """uvloop ends the process where a socket is closed that it looks at."""
    run(_give_up(postgres_url))
