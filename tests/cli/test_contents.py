"""Contents of several servers on one PostgreSQL, through real servers and the doctor."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from openai import InternalServerError, OpenAI

from perdure import settings
from perdure.cli import contents_checkup
from perdure.cli.findings import Finding, State
from tests.cli.processes import Served, perdure, serving
from tests.object_store import ObjectStore
from tests.object_store import environment as environment_of


def connect(server: Served) -> OpenAI:
    return OpenAI(base_url=server.base_url, api_key="any", max_retries=0)


def uploaded(server: Served, text: bytes) -> str:
    with connect(server) as client:
        return client.files.create(file=("a.txt", text), purpose="assistants").id


def downloaded(server: Served, file_id: str) -> bytes:
    with connect(server) as client:
        return client.files.content(file_id).content


@pytest.fixture
def environment(postgres_url: str) -> dict[str, str]:
    return {"PERDURE_DATABASE_URL": postgres_url, "PERDURE_CODE_SPARE_SESSIONS": "0"}


def doctor(*flags: str | Path, environment: dict[str, str]) -> str:
    done = perdure("doctor", *flags, environment={**environment, "PERDURE_PORT": "1"})
    return " ".join((done.stdout + done.stderr).split())


def test_a_file_of_one_server_is_read_at_the_other(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    with (
        serving(tmp_path / "a", environment=environment) as first,
        serving(tmp_path / "b", environment=environment) as second,
    ):
        file_id = uploaded(first, b"content")
        assert downloaded(second, file_id) == b"content"
        assert not (tmp_path / "a" / "blobs").exists()
        with connect(second) as client:
            client.files.delete(file_id)


def test_old_contents_of_a_folder_are_told_and_moved_beside_the_servers(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    old = {**environment, "PERDURE_CONTENTS": "folder"}
    with serving(tmp_path / "a", environment=old) as first:
        file_id = uploaded(first, b"content")
        assert downloaded(first, file_id) == b"content"
        first.stop()
    with (
        serving(tmp_path / "a", environment=environment) as first,
        serving(tmp_path / "b", environment=environment) as second,
    ):
        assert downloaded(first, file_id) == b"content"
        with pytest.raises(InternalServerError) as refused:
            downloaded(second, file_id)
        assert refused.value.status_code == 503
        assert "The content is in the data folder " in refused.value.message
        found = doctor("--data-dir", tmp_path / "b", "--verify", environment=environment)
        assert f"({tmp_path / 'a' / 'blobs'} on " in found
        assert "1 contents in the data folder " in found
        assert "nobody knows" not in found
        found = doctor("--data-dir", tmp_path / "a", "--move-contents", environment=environment)
        assert "1 contents (0.0 MiB) were moved to the database" in found
        assert downloaded(second, file_id) == b"content"
        found = doctor("--data-dir", tmp_path / "b", "--verify", environment=environment)
        assert "cannot be" not in found.replace("it cannot be", "")


def test_sqlite_moves_contents_beside_its_server(tmp_path: Path) -> None:
    """There is nothing to move here; the server keeps its folder and goes on."""
    with serving(tmp_path) as server:
        file_id = uploaded(server, b"content")
        done = perdure("doctor", "--data-dir", tmp_path, "--move-contents")
        assert "0 contents (0.0 MiB) were moved to the data folder" in " ".join(done.stdout.split())
        assert downloaded(server, file_id) == b"content"
        assert (tmp_path / "reserve").exists()
        assert uploaded(server, b"more") != file_id


@pytest.mark.parametrize("to", ["s3", "folder"])
def test_sqlite_moves_contents_to_a_bucket_and_back_while_its_server_works(
    to: str, tmp_path: Path, object_store: ObjectStore
) -> None:
    """Each content is read before, meanwhile and afterwards, and what is written meanwhile, too."""
    bucket = environment_of(object_store.create())
    before = {**bucket, "PERDURE_CONTENTS": "folder" if to == "s3" else "s3"}
    after = {**bucket, "PERDURE_CONTENTS": to}
    texts = [f"content {number} ".encode() * (1 + 20_000 * number) for number in range(8)]
    with serving(tmp_path, environment=before) as server:
        old = {uploaded(server, text): text for text in texts}
        assert server.stop()[0] == 0
    with (
        serving(tmp_path, environment=after) as server,
        ThreadPoolExecutor(1) as beside,
    ):
        moving = beside.submit(
            perdure, "doctor", "--data-dir", tmp_path, "--move-contents", environment=after
        )
        new: dict[str, bytes] = {}
        while not moving.done():
            text = f"new {len(new)}".encode()
            new[uploaded(server, text)] = text
            for file_id, content in old.items():
                assert downloaded(server, file_id) == content
        done = moving.result()
        said = " ".join(done.stdout.split())
        assert done.returncode == 0, said + done.stderr
        assert f"{len(texts)} contents (" in said
        for file_id, content in {**old, **new}.items():
            assert downloaded(server, file_id) == content
        found = perdure("doctor", "--data-dir", tmp_path, "--verify", environment=after)
        assert found.returncode == 0, found.stdout + found.stderr
        assert server.stop()[0] == 0
    with sqlite3.connect(tmp_path / "perdure.db") as connection:
        kept = connection.execute("SELECT location FROM blobs WHERE state = 'kept'").fetchall()
    connection.close()
    assert len(kept) == len(old) + len(new)
    assert {location.startswith("s3://") for (location,) in kept} == {to == "s3"}


@pytest.mark.parametrize(
    ("location", "seen", "started", "words"),
    [
        ("folder:gone-1", 600, 900, "(/data on host-a), and its server is gone"),
        ("folder:gone-2", 5, None, "(/data on host-a), and its server is gone"),
        ("folder:gone-3", 40, 20, "(/data on host-a), and its server is gone"),
        ("folder:new-1", 40, 60, "(/data on host-a), which this server cannot reach"),
        ("s3://bucket", 0, 60, "the bucket s3://bucket, which is not configured"),
        ("", None, 60, "no server has told yet"),
    ],
)
def test_a_location_out_of_reach_is_a_finding(
    location: str,
    seen: int | None,
    started: int | None,
    words: str,
    tmp_path: Path,
    postgres_url: str,
) -> None:
    """It was told of so many seconds ago; a server that lives started so many seconds ago."""
    now = int(time.time())
    with psycopg.connect(postgres_url) as server:
        if started is not None:
            server.execute(
                "INSERT INTO servers VALUES ('server_1', 'a:1', '1', 'all', %s, %s, 0)",
                [now - started, now],
            )
        server.execute(
            "INSERT INTO blobs (id, state, owner, place, bytes, location) "
            "VALUES ('blob_1', 'kept', 'file-1', 0, 7, %s)",
            [location],
        )
        if seen is not None:
            server.execute(
                "INSERT INTO blob_locations VALUES (%s, 'host-a', %s, 1, %s)",
                [location, "" if location.startswith("s3") else "/data", now - seen],
            )
    chosen = settings.only(data_dir=tmp_path, database_url=postgres_url)
    first, second = contents_checkup.findings(chosen, is_current=True)
    assert first == Finding(State.OK, "contents", "new ones go to the PostgreSQL database")
    assert second.state is State.WARN
    assert words in second.text
