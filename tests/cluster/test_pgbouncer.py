"""Servers behind a pooler: one that pools sessions serves, and one in transaction mode is named."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from tests.bus.servers import Facts, delta, event, heard, two_servers
from tests.cli.processes import perdure, serving
from tests.databases import PostgresServer
from tests.patience import until
from tests.pgbouncer import pooled

TOPIC = "run_a"


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    name = postgres_server.lend()
    yield name
    postgres_server.take_back(name)


def _doctor(url: str, folder: Path) -> str:
    done = perdure(
        *("doctor", "--database-url", url, "--port", "1", "--data-dir", folder),
        environment={"COLUMNS": "500"},
    )
    return " ".join((done.stdout + done.stderr).split())


async def test_servers_hear_of_each_other_through_a_pooler_of_sessions(
    postgres_server: PostgresServer, database: str
) -> None:
    facts = Facts()
    with pooled(postgres_server, database, "session") as url:
        async with two_servers(url, facts) as (one, other):
            listening = other.subscribe(TOPIC)
            await until(lambda: one.has_subscribers(TOPIC))
            with one.on_interrupt(TOPIC, lambda: None):
                facts.append(TOPIC, event(1), event(2))
                for told in (event(1), delta("hello"), event(2)):
                    one.publish(TOPIC, told)
                told_there = await heard(listening.next, lambda got: got[-1:] == [event(2)])
    assert told_there == [event(1), delta("hello"), event(2)]


def test_a_server_serves_through_a_pooler_of_sessions(
    postgres_server: PostgresServer, database: str, tmp_path: Path
) -> None:
    with (
        pooled(postgres_server, database, "session") as url,
        serving(tmp_path / "data", "--database-url", url) as served,
    ):
        client = OpenAI(base_url=served.base_url, api_key="any")
        kept = client.files.create(file=("a.txt", b"content"), purpose="assistants")
        assert client.files.content(kept.id).content == b"content"
        assistant = client.beta.assistants.create(model="scripted")
        run = client.beta.threads.create_and_run_poll(
            assistant_id=assistant.id,
            thread={"messages": [{"role": "user", "content": "say: hello"}]},
            poll_interval_ms=20,
        )
        assert run.status == "completed"
        assert "servers hear of each other" in _doctor(url, tmp_path / "data")
        assert served.stop()[0] == 0


def test_the_doctor_names_a_pooler_of_transactions(
    postgres_server: PostgresServer, database: str, tmp_path: Path
) -> None:
    with pooled(postgres_server, database, "transaction") as url:
        said = _doctor(url, tmp_path / "data")
    assert "a pooler in transaction mode is between" in said
    assert "let it pool sessions" in said
