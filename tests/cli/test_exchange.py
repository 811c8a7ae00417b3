"""`perdure export` and `perdure import`: of a database itself, and through a running server."""

import json
import os
import socket
import socketserver
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
from openai import OpenAI

from tests.cli.processes import Served, perdure, serving
from tests.patience import PATIENCE_SECONDS, wait_until

ADMIN = "sk-admin-of-the-settings"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exchange")


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    settings = {"PERDURE_ADMIN_KEY": ADMIN, "PERDURE_API_KEYS": "sk-1"}
    with serving(folder / "data", environment=settings) as served:
        yield served


@pytest.fixture(scope="module")
def thread_id(served: Served) -> str:
    """A thread with a run and a file that has been read, on the server."""
    with OpenAI(base_url=served.base_url, api_key="sk-1", max_retries=0) as client:
        file = client.files.create(file=("notes.txt", b"Tea is at four."), purpose="assistants")
        store = client.vector_stores.create(file_ids=[file.id], name="notes")
        # Reading goes on beside what the client does: two exports are equal once it is over.
        wait_until(lambda: client.vector_stores.retrieve(store.id).status == "completed")
        assistant = client.beta.assistants.create(
            model="gpt-4o",
            tools=[{"type": "file_search"}],
            tool_resources={"file_search": {"vector_store_ids": [store.id]}},
        )
        thread = client.beta.threads.create(messages=[{"role": "user", "content": "Hello"}])
        client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
        return thread.id


def objects(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (path / "objects.jsonl").read_bytes().splitlines()]


def test_an_export_through_the_server_is_that_of_its_database(
    served: Served, thread_id: str, folder: Path
) -> None:
    one, other = folder / "one", folder / "other"
    done = perdure("export", one, "--url", served.url, environment={"PERDURE_ADMIN_KEY": ADMIN})
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Exported in" in done.stderr
    beside = perdure("export", other, "--data-dir", folder / "data")
    assert beside.returncode == 0, beside.stderr
    found = objects(one)
    assert found == objects(other)
    assert {each["object"] for each in found} == {
        "file", "vector_store", "vector_store.file", "assistant", "thread", "thread.message",
        "thread.run", "thread.run.step",
    }  # fmt: skip
    assert thread_id in {each["id"] for each in found}
    assert "sk-1" not in (one / "objects.jsonl").read_text()


def test_what_was_exported_is_imported_and_the_program_goes_on(
    served: Served, thread_id: str, folder: Path
) -> None:
    archive, report = folder / "all.tar.zst", folder / "report.json"
    assert perdure("export", archive, "--data-dir", folder / "data").returncode == 0
    data = folder / "imported"
    tried = perdure("import", archive, "--dry-run", "--report", report, "--data-dir", data)
    assert (tried.returncode, data.exists()) == (0, False), tried.stderr
    imagined = json.loads(report.read_text())
    done = perdure("import", archive, "--report", report, "--data-dir", data)
    assert done.returncode == 0, done.stderr
    real = json.loads(report.read_text())
    assert (imagined.pop("dry_run"), real.pop("dry_run")) == (True, False)
    assert imagined == real
    assert real["kinds"]["thread"]["created"] == 1
    assert real["named_models"] == [{"model": "gpt-4o", "assistants": 1, "has_alias": False}]
    assert "Models without an alias" in done.stderr
    again = perdure("import", archive, "--data-dir", data)
    assert again.returncode == 0
    assert all("        0 created" in row for row in again.stdout.splitlines())
    with serving(data) as there:
        refused = perdure("import", archive, "--data-dir", data)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "is in use by another perdure process" in refused.stderr
        # Without any key, everybody on the machine is its operator.
        through = perdure("import", archive, "--url", there.url)
        assert through.returncode == 0, through.stderr
        with OpenAI(base_url=there.base_url, api_key="any", max_retries=0) as client:
            listed = client.beta.threads.messages.list(thread_id)
            assert len(listed.data) == 2
            run = client.beta.threads.runs.list(thread_id).data[0]
            client.beta.threads.messages.create(thread_id, role="user", content="More")
            more = client.beta.threads.runs.create_and_poll(
                thread_id=thread_id, assistant_id=run.assistant_id
            )
            assert more.status == "completed"
    verified = perdure("doctor", "--verify", "--data-dir", data)
    assert "0 violations" in verified.stdout or verified.returncode == 0, verified.stdout


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_an_import_through_a_server_into_nothing_keeps_all(
    served: Served,
    thread_id: str,
    folder: Path,
    tmp_path: Path,
    database: str,
    request: pytest.FixtureRequest,
) -> None:
    """And an export through the same server has it again."""
    settings = {}
    if database == "postgres":
        settings["PERDURE_DATABASE_URL"] = request.getfixturevalue("postgres_url")
    archive = tmp_path / "plain.tar"
    assert perdure("export", archive, "--data-dir", folder / "data").returncode == 0
    with serving(tmp_path / "through", environment=settings) as there:
        done = perdure("import", archive, "--url", there.url)
        assert done.returncode == 0, done.stderr
        with OpenAI(base_url=there.base_url, api_key="any", max_retries=0) as client:
            (file,) = client.files.list().data
            assert client.files.content(file.id).read() == b"Tea is at four."
        found = tmp_path / "from-through"
        assert perdure("export", found, "--url", there.url).returncode == 0
    kept = [(each["object"], each["id"], each["_export"]) for each in objects(found)]
    was = tmp_path / "was"
    assert perdure("export", was, "--data-dir", folder / "data").returncode == 0
    assert kept == [(each["object"], each["id"], each["_export"]) for each in objects(was)]


@contextmanager
def counting(port: int) -> Iterator[tuple[int, list[int]]]:
    """A way to a server on this port: yields its own port, and the sizes of what is sent there."""
    sizes: list[int] = []

    def pass_on(source: socket.socket, target: socket.socket, sizes: list[int]) -> None:
        with suppress(OSError):
            while block := source.recv(65_536):
                sizes.append(len(block))
                target.sendall(block)
            target.shutdown(socket.SHUT_WR)

    class Way(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as server:
                back = Thread(target=pass_on, args=(server, self.request, []), daemon=True)
                back.start()
                pass_on(self.request, server, sizes)
                back.join(PATIENCE_SECONDS)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Way) as way:
        way.daemon_threads = True
        thread = Thread(target=way.serve_forever)
        thread.start()
        yield way.server_address[1], sizes
        way.shutdown()
        thread.join()


def test_contents_that_a_server_has_are_not_sent_again(tmp_path: Path) -> None:
    content = os.urandom(1_000_000)
    with serving(tmp_path / "data") as served:
        with OpenAI(base_url=served.base_url, api_key="any", max_retries=0) as client:
            client.files.create(file=("large.bin", content), purpose="assistants")
        archive = tmp_path / "all.tar"
        assert perdure("export", archive, "--url", served.url).returncode == 0
    with serving(tmp_path / "target") as there, counting(urlsplit(there.url).port or 0) as way:
        port, sizes = way
        url = f"http://127.0.0.1:{port}"
        done = perdure("import", archive, "--url", url)
        assert (done.returncode, sum(sizes) > len(content)) == (0, True), done.stderr
        sizes.clear()
        again = perdure("import", archive, "--url", url)
        assert (again.returncode, 0 < sum(sizes) < 10_000) == (0, True), again.stderr
        assert "1 skipped" in again.stdout
        with OpenAI(base_url=there.base_url, api_key="any", max_retries=0) as client:
            (file,) = client.files.list().data
            assert client.files.content(file.id).read() == content


def test_only_an_operator_exports_and_imports(served: Served) -> None:
    for method, path in (("GET", "/export"), ("POST", "/import"), ("POST", "/import/begin")):
        request = urllib.request.Request(
            served.base_url + path, method=method, headers={"authorization": "Bearer sk-1"}
        )
        with pytest.raises(HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == 403
        refused.value.close()


def test_a_missing_content_is_supplied(
    served: Served, thread_id: str, folder: Path, tmp_path: Path
) -> None:
    bare = folder / "bare"
    done = perdure("export", bare, "--no-files", "--data-dir", folder / "data")
    assert done.returncode == 0, done.stderr
    assert not list((bare / "files").iterdir())
    data = folder / "supplied"
    imported = perdure("import", bare, "--data-dir", data)
    assert imported.returncode == 0
    assert "The content of the file" in imported.stderr
    with (
        serving(data) as there,
        OpenAI(base_url=there.base_url, api_key="any", max_retries=0) as client,
    ):
        (file,) = client.files.list().data
        assert file.status == "error"
        wrong, right = tmp_path / "wrong.txt", tmp_path / "right.txt"
        wrong.write_bytes(b"Coffee")
        right.write_bytes(b"Tea is at four.")
        refused = perdure("files", "supply", file.id, wrong, "--url", there.url)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "had 15 bytes" in refused.stderr
        supplied = perdure("files", "supply", file.id, right, "--url", there.url)
        assert supplied.stdout.split() == [file.id, "notes.txt"], supplied.stderr
        assert client.files.content(file.id).read() == b"Tea is at four."
        (store,) = client.vector_stores.list().data
        polled = client.vector_stores.files.poll(file.id, vector_store_id=store.id)
        assert polled.status == "completed"
    originals = perdure(
        "import", bare, "--files", tmp_path, "--data-dir", folder / "from-originals"
    )
    assert originals.returncode == 0
    right.rename(tmp_path / "notes.txt")
    healed = perdure("import", bare, "--files", tmp_path, "--data-dir", folder / "from-originals")
    assert "1 replaced" in healed.stdout


def test_all_is_fetched_from_a_live_server_in_azures_dress(
    served: Served, thread_id: str, folder: Path, tmp_path: Path
) -> None:
    state, data = tmp_path / "fetched", tmp_path / "data"
    token = tmp_path / "token"
    token.write_text("sk-1\n")
    done = perdure(
        "import", "azure", "--endpoint", f"{served.url}/api/projects/any",
        "--token-command", f"cat {token}", "--state", state, "--data-dir", data,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "sk-1" not in done.stdout + done.stderr
    assert perdure("export", tmp_path / "got", "--data-dir", data).returncode == 0
    assert perdure("export", tmp_path / "was", "--data-dir", folder / "data").returncode == 0
    got, was = ({each["id"]: each for each in objects(tmp_path / name)} for name in ("got", "was"))
    assert got.keys() == was.keys()
    thread, kept = got[thread_id], was[thread_id]
    assert {**thread, "_export": None} == {**kept, "_export": None}
    again = perdure(
        "import", "url", "--base-url", served.url, "--api-key", "sk-1", "--data-dir", data,
        "--state", tmp_path / "other", "--thread-ids", tmp_path / "was" / "objects.jsonl",
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert all("        0 created" in row for row in again.stdout.splitlines())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["azure"], "needs --endpoint"),
        (["url", "--base-url", "http://127.0.0.1:1"], "Name a key"),
        (["url", "--base-url", "ftp://x", "--api-key", "k"], "begins with https://"),
        (["url", "--base-url", "http://a:secret@x", "--api-key", "k"], "holds no user"),
        (["azure", "--endpoint", "http://127.0.0.1:1", "--token-command", "false"], "no token"),
        (["azure", "--endpoint", "http://127.0.0.1:1", "--token-command", "none-such"], "failed"),
    ],
)
def test_a_live_server_that_cannot_be_asked_is_said(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = perdure("import", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "secret" not in done.stderr


def test_a_dump_of_another_program_is_imported_and_what_is_no_object_is_told(
    tmp_path: Path,
) -> None:
    dump = tmp_path / "m.jsonl"
    row = {"thread_id": "thread_a", "message_id": "msg_1", "role": "user", "text": "Hello"}
    dump.write_text(json.dumps(row) + "\n{broken\n")
    done = perdure("import", dump, "--data-dir", tmp_path / "data")
    assert done.returncode == 3
    assert "m.jsonl, line 2 is no JSON" in done.stderr
    assert "thread.message             1 read          1 created" in done.stdout
    (tmp_path / "empty.json").write_text("{}")
    none = perdure("import", tmp_path / "empty.json", "--data-dir", tmp_path / "data")
    assert (none.returncode, "no object of the API" in none.stderr) == (1, True)


def test_a_line_that_does_not_fit_is_named_by_its_number(
    served: Served, thread_id: str, folder: Path, tmp_path: Path
) -> None:
    found = tmp_path / "found"
    assert perdure("export", found, "--data-dir", folder / "data").returncode == 0
    lines = (found / "objects.jsonl").read_text().replace('"seq":1,', '"seq":"one",', 1)
    (found / "objects.jsonl").write_text(lines)
    done = perdure("import", found, "--data-dir", tmp_path / "data")
    assert done.returncode == 3
    assert "\nLine 1: It does not fit: " in "\n" + done.stderr
