"""`perdure backup` and `perdure restore`, beside a server and without one."""

from pathlib import Path

from openai import OpenAI

from tests.cli.processes import perdure, serving


def test_a_running_server_is_backed_up_and_comes_back(tmp_path: Path) -> None:
    data, archive, other = tmp_path / "data", tmp_path / "a.tar.zst", tmp_path / "other"
    with serving(data) as served, OpenAI(base_url=served.base_url, api_key="x") as client:
        file = client.files.create(file=("a.txt", b"Kept"), purpose="assistants")
        done = perdure("backup", archive, "--data-dir", data)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert "1 contents of 4 bytes" in done.stderr
        again = perdure("backup", archive, "--data-dir", data)
        assert (again.returncode, "already" in again.stderr) == (1, True)
        client.files.delete(file.id)
        refused = perdure("restore", archive, "--yes", "--data-dir", data)
        assert (refused.returncode, "stop the server" in refused.stderr) == (1, True)
    asked = perdure("restore", archive, "--data-dir", data)
    assert (asked.returncode, "give --yes" in asked.stderr) == (1, True)
    for folder in (data, other):
        restored = perdure("restore", archive, "--yes", "--data-dir", folder)
        assert restored.returncode == 0, restored.stderr
        assert ("before-restore" in restored.stderr) == (folder == data)
        verified = perdure("doctor", "--verify", "--data-dir", folder)
        assert verified.returncode == 0, verified.stdout
        with serving(folder) as served, OpenAI(base_url=served.base_url, api_key="x") as client:
            assert client.files.content(file.id).read() == b"Kept"


def test_postgres_has_tools_of_its_own(tmp_path: Path) -> None:
    settings = {"PERDURE_DATABASE_URL": "postgresql://localhost/none"}
    for command in (["backup", "a.tar"], ["restore", "a.tar", "--yes"]):
        done = perdure(*command, "--data-dir", tmp_path / "data", environment=settings)
        assert (done.returncode, "pg_dump" in done.stderr) == (1, True)
