"""`perdure doctor --verify`: what is stored is checked, whether a server is at work or not."""

import sqlite3
from pathlib import Path

import psycopg
import pytest
from openai import OpenAI

from tests.cli.processes import Served, perdure, serving

_WHOLE = "ok verify 3 runs, 0 files and 0 vector stores with all that belongs to them are whole"


def _verify(*arguments: str | Path, cwd: Path, code: int) -> list[str]:
    """What is said of the stored objects, with single spaces."""
    flags = ("--verify", "--port", "0", *arguments)
    ended = perdure("doctor", *flags, cwd=cwd, environment={"COLUMNS": "400"})
    assert ended.returncode == code, ended.stdout
    lines = [" ".join(line.split()) for line in ended.stdout.splitlines()]
    return [line for line in lines if " verify " in line or line.startswith("→ Keep")]


def _talk(served: Served, *, runs: int) -> str:
    """Makes so many runs that complete, and one that goes on; the id of the last completed."""
    with OpenAI(base_url=served.base_url, api_key="any", max_retries=0) as client:
        assistant = client.beta.assistants.create(model="scripted")
        for _ in range(runs):
            run = client.beta.threads.create_and_run_poll(
                assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "Hi"}]}
            )
            assert run.status == "completed"
        client.beta.threads.create_and_run(
            assistant_id=assistant.id,
            thread={"messages": [{"role": "user", "content": "forever\nwait 5 ms"}]},
        )
        return run.id


def test_before_the_first_start_there_is_nothing_to_check(tmp_path: Path) -> None:
    found = _verify("--data-dir", tmp_path / "data", cwd=tmp_path, code=0)
    assert found == ["ok verify there is no database yet"]


def test_a_server_at_work_is_verified_and_so_is_what_a_killed_one_left(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with serving(folder) as served:
        _talk(served, runs=2)
        found = _verify("--data-dir", folder, cwd=tmp_path, code=0)
        assert found == [_WHOLE]
    files = sorted(path.name for path in folder.iterdir())
    found = _verify("--data-dir", folder, cwd=tmp_path, code=0)
    assert found == [_WHOLE]
    assert sorted(path.name for path in folder.iterdir()) == files


def test_what_is_broken_is_told_and_the_exit_code_is_1(tmp_path: Path) -> None:
    drain = {"PERDURE_DRAIN_SECONDS": "0"}
    with serving(tmp_path, environment=drain) as served:
        run_id = _talk(served, runs=1)
        with OpenAI(base_url=served.base_url, api_key="any", max_retries=0) as client:
            client.files.create(file=("a.txt", b"A text"), purpose="assistants")
        served.stop()
    (content,) = (tmp_path / "blobs").rglob("blob_*")
    content.unlink()
    with sqlite3.connect(tmp_path / "perdure.db") as connection:
        connection.execute("UPDATE runs SET ended_at = 7 WHERE id = ?", [run_id])
    connection.close()
    first, second, last, remedy = _verify("--data-dir", tmp_path, cwd=tmp_path, code=1)
    assert first.startswith(f"fail verify {run_id} ended at 7 with completed_at ")
    lost = "is a content of 6 bytes, of which 0 are stored"
    assert second == f"fail verify {content.name} {lost}"
    assert last == "fail verify 2 findings in 2 runs, 1 files and 0 vector stores"
    assert remedy.startswith("→ Keep a copy of the database")


def test_postgresql_is_verified_while_a_server_is_at_work(
    tmp_path: Path, postgres_url: str
) -> None:
    flags = ("--database-url", postgres_url)
    with serving(tmp_path / "data", *flags) as served:
        run_id = _talk(served, runs=2)
        found = _verify(*flags, cwd=tmp_path, code=0)
        assert found == [_WHOLE]
        with psycopg.connect(postgres_url) as connection:
            connection.execute("UPDATE runs SET ended_at = 7 WHERE id = %s", [run_id])
        first, last, _ = _verify(*flags, cwd=tmp_path, code=1)
    assert first.startswith(f"fail verify {run_id} ended at 7 with completed_at ")
    assert last == "fail verify 1 findings in 3 runs, 0 files and 0 vector stores"


@pytest.mark.parametrize("content", ["not a database, but long enough to look at" * 100, ""])
def test_what_is_no_database_of_ours_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "perdure.db").write_text(content)
    (found,) = _verify("--data-dir", tmp_path, cwd=tmp_path, code=1)
    assert found.startswith("fail verify perdure.db cannot be read: ")
