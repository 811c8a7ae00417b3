"""A database that an earlier release wrote is opened without losing a row."""

import base64
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from openai import OpenAI

from perdure.bus.memory import MemoryBus
from perdure.storage import connect
from tests.cli.processes import perdure, serving
from tests.databases import PostgresServer

RELEASES = Path(__file__).parent / "releases"
# A start forgets nothing so old, and a search finds its vectors' server gone.
SETTINGS = {"PERDURE_EVENT_RETENTION_DAYS": "36500", "PERDURE_CODE_SPARE_SESSIONS": "0"}

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Where nothing has been written yet."""
    if request.param == "sqlite":
        yield None
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create(template="template0")
    yield server.url(name)
    server.drop(name)


def write(release: Path, url: str | None, data_dir: Path) -> None:
    """Writes what the release has written."""
    dialect = "sqlite" if url is None else "postgres"
    script = (release / f"{dialect}.sql").read_text()
    data_dir.mkdir(mode=0o700)
    if url is None:
        with sqlite3.connect(data_dir / "perdure.db") as file:
            file.executescript(script)
        file.close()
    else:
        with psycopg.connect(url) as server:
            server.execute(script.encode())
    contents = json.loads((release / f"{dialect}-contents.json").read_text())
    for path, content in contents.items():
        blob = data_dir / "blobs" / path
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(base64.b64decode(content))


def read(url: str | None, data_dir: Path) -> Rows:
    """All rows of all tables."""
    if url is None:
        with sqlite3.connect(data_dir / "perdure.db") as file:
            file.row_factory = sqlite3.Row
            names = (
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
            tables = [row[0] for row in file.execute(names)]
            rows = {
                table: [dict(row) for row in file.execute(f"SELECT * FROM {table}")]
                for table in tables
            }
        file.close()
        return rows
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as server:
        names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        tables = [row["tablename"] for row in server.execute(names)]
        return {
            table: server.execute(f"SELECT * FROM {table}".encode()).fetchall() for table in tables
        }


def verify(url: str | None, data_dir: Path) -> str:
    """What `perdure doctor --verify` says."""
    environment = {"PERDURE_DATABASE_URL": url} if url else {}
    done = perdure("doctor", "--verify", "--data-dir", data_dir, environment=environment)
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("release", ["0006"])
async def test_every_row_of_an_earlier_release_is_kept(
    release: str, url: str | None, data_dir: Path
) -> None:
    write(RELEASES / release, url, data_dir)
    before = read(url, data_dir)
    assert [table for table, rows in before.items() if not rows] == []
    database = connect(url, data_dir, bus=MemoryBus())
    await database.open()
    await database.close()
    after = read(url, data_dir)
    migrations = before.pop("schema_migrations")
    assert after["schema_migrations"][: len(migrations)] == migrations
    for table, rows in before.items():
        columns = rows[0].keys()
        kept = [{name: row[name] for name in columns} for row in after[table]]
        assert sorted(kept, key=repr) == sorted(rows, key=repr), table
    assert verify(url, data_dir).startswith("0\n")


@pytest.mark.parametrize("release", ["0006"])
def test_a_server_serves_what_an_earlier_release_wrote(
    release: str, url: str | None, data_dir: Path
) -> None:
    write(RELEASES / release, url, data_dir)
    runs = [json.loads(row["body"]) for row in read(url, data_dir)["runs"]]
    environment = {**SETTINGS, **({"PERDURE_DATABASE_URL": url} if url else {})}
    with serving(data_dir, environment=environment) as served:
        client = OpenAI(base_url=served.base_url, api_key="any")
        for run in runs:
            kept = client.beta.threads.runs.retrieve(run["id"], thread_id=run["thread_id"])
            # The one whose server was killed and the one that waits are past their time by now.
            over = run["status"] in ("in_progress", "requires_action")
            assert kept.status == ("expired" if over else run["status"])
            assert client.beta.threads.messages.list(run["thread_id"]).data
        (store,) = [each for each in client.vector_stores.list() if each.name == "store"]
        found = client.vector_stores.search(store.id, query="When is the rent due?").data
        assert found[0].filename == "rent.md"
        client.close()
        assert served.stop()[0] == 0
    assert verify(url, data_dir).startswith("0\n")


def test_a_server_of_an_earlier_version_beside_this_one_leaves_no_bytes(postgres_url: str) -> None:
    """It knows no blocks in the database; its statements take them away with the blob's row."""
    with psycopg.connect(postgres_url) as server:
        for name in ("blob_1", "blob_2"):
            server.execute(
                "INSERT INTO blobs (id, state, lease_until) VALUES (%s, 'writing', 0)", [name]
            )
            server.execute("INSERT INTO blob_blocks VALUES (%s, 0, 'x')", [name])
        server.execute("UPDATE blobs SET state = 'doomed', lease_until = NULL WHERE id = 'blob_1'")
        server.execute("DELETE FROM blobs WHERE id = 'blob_1' AND state = 'doomed'")
        left = server.execute(
            "SELECT blob_id, location FROM blob_blocks JOIN blobs ON id = blob_id"
        )
        assert left.fetchall() == [("blob_2", "")]
