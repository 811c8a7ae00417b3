"""`perdure doctor`: what is configured, reachable and missing, without changing anything."""

import os
import signal
import socket
import sqlite3
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from openai import OpenAI

from perdure.retrieval import stems
from tests.cli.processes import perdure, serving
from tests.object_store import ObjectStore
from tests.webhooks.receiver import SECRET

_SCRIPTED = "no model server is configured: the shipped scripted model gives canned answers"


def _findings(*arguments: str | Path, cwd: Path, code: int, path: str = "/nowhere") -> list[str]:
    """The lines of the report, with single spaces. Without a PATH there is no sandbox to start,
    which takes longer than all else.
    """
    environment = {"COLUMNS": "400", "PATH": path}
    ended = perdure("doctor", *arguments, cwd=cwd, environment=environment)
    assert ended.stderr == ""
    assert ended.returncode == code
    return [" ".join(line.split()) for line in ended.stdout.splitlines()]


@pytest.fixture
def free_port() -> str:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


def test_a_fresh_machine_is_fine_and_left_as_it_is(tmp_path: Path, free_port: str) -> None:
    data_dir = tmp_path / "data"
    path = os.environ["PATH"]
    findings = _findings(
        "--data-dir", data_dir, "--port", free_port, cwd=tmp_path, code=0, path=path
    )
    code = findings.pop()
    assert code.startswith("ok code a probe in the sandbox reached nothing of this machine")
    assert findings == [
        f"ok settings port = {free_port} from the flag --port",
        f"ok settings data_dir = {data_dir} from the flag --data-dir",
        f"ok data {data_dir} will be made",
        f"ok database SQLite in {data_dir}: perdure.db will be made by the first start",
        f"ok contents new ones go to the folder {data_dir / 'blobs'}",
        "ok keys 0 of projects, 0 of admins; programs on this machine need none",
        f"ok server it does not run: nothing answers at http://127.0.0.1:{free_port}",
        f"warn models {_SCRIPTED}",
        "→ Set model_base_url, such as http://localhost:11434/v1.",
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_running_server_its_models_and_aliases_are_found(tmp_path: Path, free_port: str) -> None:
    """The model server is Perdure itself: it answers /v1/models like any other."""
    with serving(tmp_path / "data", "--port", free_port) as served:
        (tmp_path / "perdure.toml").write_text(
            f"""
            port = {free_port}
            data_dir = "{tmp_path / "data"}"
            model_base_url = "{served.base_url}"
            model_api_key = "sk-secret"
            context_windows = {{ scripted = 8192 }}
            [model_aliases]
            good = "scripted"
            bad = "no-such-model"
            """
        )
        findings = _findings("--config", tmp_path / "perdure.toml", cwd=tmp_path, code=1)
    assert f"ok server it runs and answers at {served.url}" in findings
    assert f"ok database SQLite in {tmp_path / 'data'}: its schema is current" in findings
    assert f"ok data {tmp_path / 'data'} is writable" in findings
    assert any(
        finding.startswith(f"ok models default ({served.base_url}) lists scripted")
        for finding in findings
    )
    assert (
        "ok models default: context windows configured: scripted 8192; told by the server: none; "
        "others are learnt when it refuses a prompt. Whether it takes response_format shows when a "
        "run asks for one: where it does not, the run fails and says so"
    ) in findings
    assert "ok alias good is answered by scripted of default" in findings
    assert "fail alias bad is answered by no-such-model, which default does not list" in findings
    assert "sk-secret" not in "".join(findings)


def test_a_model_server_that_is_away_is_a_failure(tmp_path: Path, free_port: str) -> None:
    url = f"http://127.0.0.1:{free_port}/v1"
    findings = _findings("--model-base-url", url, "--port", free_port, cwd=tmp_path, code=1)
    (failure,) = [finding for finding in findings if finding.startswith("fail")]
    assert failure == (
        f"fail models default ({url}) cannot be used: The model server at {url} cannot be reached."
    )


def test_wrong_settings_are_the_only_finding(tmp_path: Path) -> None:
    (tmp_path / "perdure.toml").write_text("prot = 1")
    assert _findings(cwd=tmp_path, code=1) == [
        "fail settings 'prot' in perdure.toml is not a setting.",
        "→ Correct it, then run this again.",
    ]


def test_a_misspelt_variable_is_a_warning(tmp_path: Path, free_port: str) -> None:
    ended = perdure("doctor", "--port", free_port, cwd=tmp_path, environment={"PERDURE_PROT": "7"})
    assert "the environment variable PERDURE_PROT is not a setting" in ended.stdout
    assert ended.returncode == 0


def test_a_data_folder_in_place_of_a_file_is_a_failure(tmp_path: Path, free_port: str) -> None:
    (tmp_path / "file").touch()
    flags = ("--data-dir", tmp_path / "file" / "data", "--port", free_port)
    findings = _findings(*flags, cwd=tmp_path, code=1)
    assert f"fail data {tmp_path / 'file'} is not a folder" in findings


def test_the_bucket_for_contents_is_looked_at(
    tmp_path: Path, free_port: str, object_store: ObjectStore
) -> None:
    bucket = object_store.create()
    keys = (
        f'blob_endpoint = "{bucket.endpoint}"\nblob_region = "us-east-1"\n'
        'blob_access_key_id = "key"\nblob_secret_access_key = "hushhush"\n'
    )
    settings = tmp_path / "perdure.toml"
    settings.write_text(f'blob_url = "{bucket.url}"\n{keys}')
    findings = _findings("--data-dir", tmp_path, "--port", free_port, cwd=tmp_path, code=0)
    assert f"ok contents {bucket.url} can be reached" in findings
    settings.write_text(f'blob_url = "s3://no-such-bucket"\n{keys}')
    findings = _findings("--data-dir", tmp_path, "--port", free_port, cwd=tmp_path, code=1)
    assert any(
        finding.startswith("fail contents The bucket s3://no-such-bucket cannot be used: ")
        for finding in findings
    )
    assert "hushhush" not in "".join(findings)


def test_another_program_on_the_port_is_a_failure(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        port = str(other.server_port)
        findings = _findings("--port", port, cwd=tmp_path, code=1)
        other.shutdown()
    assert f"fail server another program answers at http://127.0.0.1:{port}" in findings


def test_a_database_that_lacks_a_migration_is_a_warning_and_not_migrated(
    tmp_path: Path, free_port: str
) -> None:
    with serving(tmp_path) as served:
        served.stop()
    with sqlite3.connect(tmp_path / "perdure.db") as connection:
        connection.execute("DELETE FROM schema_migrations WHERE name = '0001_first_schema'")
    connection.close()
    before = (tmp_path / "perdure.db").read_bytes()
    findings = _findings("--data-dir", tmp_path, "--port", free_port, cwd=tmp_path, code=0)
    assert f"warn database SQLite in {tmp_path}: its schema lacks 0001_first_schema" in findings
    assert (tmp_path / "perdure.db").read_bytes() == before


def test_a_file_that_is_no_database_is_a_failure(tmp_path: Path, free_port: str) -> None:
    (tmp_path / "perdure.db").write_text("not a database, but long enough to look at" * 100)
    findings = _findings("--data-dir", tmp_path, "--port", free_port, cwd=tmp_path, code=1)
    assert (
        f"fail database SQLite in {tmp_path}: perdure.db cannot be read: file is not a database"
        in findings
    )


def test_postgresql_is_looked_at(tmp_path: Path, free_port: str, postgres_url: str) -> None:
    findings = _findings("--database-url", postgres_url, "--port", free_port, cwd=tmp_path, code=0)
    assert any(
        finding.startswith("ok database postgresql://")
        and finding.endswith(": its schema is current")
        for finding in findings
    )
    assert "ok cluster servers hear of each other (LISTEN and NOTIFY)" in findings


def test_the_servers_of_a_database_are_told_and_runs_that_nobody_works_on(
    tmp_path: Path, free_port: str, postgres_url: str
) -> None:
    with serving(tmp_path / "a", "--database-url", postgres_url, "--role", "api") as served:
        arguments = ("--database-url", postgres_url, "--port", free_port)
        findings = _findings(*arguments, cwd=tmp_path, code=0)
        where = served.url.removeprefix("http://")
        assert any(
            finding.startswith(f"ok cluster {where} (api, Perdure ")
            and finding.endswith(", 0 runs in hand")
            for finding in findings
        )
        client = OpenAI(base_url=served.base_url, api_key="any")
        assistant = client.beta.assistants.create(model="scripted", instructions="Answer.")
        client.beta.threads.create_and_run(assistant_id=assistant.id)
        findings = _findings(*arguments, cwd=tmp_path, code=1)
        text = "fail cluster 1 runs wait, and no server lives that could work on them"
        assert text in findings
        served.stop(signal.SIGKILL)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE servers SET seen_at = seen_at - 3600")
    findings = _findings(*arguments, cwd=tmp_path, code=1)
    gone = ": it is gone, and did not end in good order"
    assert any(each.startswith("warn cluster") and each.endswith(gone) for each in findings)


def test_postgresql_that_is_away_is_a_failure(tmp_path: Path, free_port: str) -> None:
    url = f"postgresql://perdure:sk-secret@127.0.0.1:{free_port}/perdure"
    findings = _findings("--database-url", url, "--port", free_port, cwd=tmp_path, code=1)
    (failure,) = [finding for finding in findings if finding.startswith("fail")]
    shown = url.replace(":sk-secret", "")
    assert failure.startswith(f"fail database {shown}: it cannot be reached: ")
    assert "sk-secret" not in "".join(findings)


def test_webhooks_are_listed_with_what_waits_and_what_was_given_up(
    tmp_path: Path, free_port: str
) -> None:
    (tmp_path / "perdure.toml").write_text(
        f"""
        port = {free_port}
        data_dir = "{tmp_path / "data"}"
        [[webhooks]]
        name = "public"
        url = "https://8.8.8.8/path-secret"
        secret = "{SECRET}"
        events = ["thread.run.failed"]
        [[webhooks]]
        name = "private"
        url = "http://169.254.169.254/latest"
        secret = "{SECRET}"
        [[webhooks]]
        name = "unknown"
        url = "http://no-such-host.invalid/"
        secret = "{SECRET}"
        """
    )
    with serving(tmp_path / "data") as served:
        served.stop()
    with sqlite3.connect(tmp_path / "data" / "perdure.db") as connection:
        connection.executemany(
            "INSERT INTO webhook_deliveries (id, webhook, run_id, event, told_at, due_at, data,"
            " status, ended_at) VALUES (?, 'public', 'run_1', 'thread.run.failed', 1, 1, ?, ?, ?)",
            [
                ("evt_1", "{}", "waiting", None),
                ("evt_2", "{}", "waiting", None),
                ("evt_3", "{}", "given_up", 2),
                ("evt_4", None, "delivered", 2),
            ],
        )
    connection.close()
    findings = _findings(cwd=tmp_path, code=1)
    assert [finding for finding in findings if " webhooks " in finding] == [
        "ok settings webhooks = public, private, unknown from perdure.toml",
        "warn webhooks 2 deliveries wait, 1 were given up",
        "ok webhooks public (https://8.8.8.8) hears of thread.run.failed",
        "fail webhooks private (http://169.254.169.254) is refused: 169.254.169.254 is not public",
        "warn webhooks unknown (http://no-such-host.invalid): the host name is not known",
    ]
    assert SECRET not in "".join(findings)
    assert "path-secret" not in "".join(findings)


def test_a_private_target_is_fine_where_it_is_allowed(tmp_path: Path, free_port: str) -> None:
    (tmp_path / "perdure.toml").write_text(
        f"""
        port = {free_port}
        data_dir = "{tmp_path / "data"}"
        webhook_private_targets = true
        [[webhooks]]
        name = "here"
        url = "http://127.0.0.1/"
        secret = "{SECRET}"
        events = ["thread.run.failed"]
        """
    )
    findings = _findings(cwd=tmp_path, code=0)
    assert "ok webhooks here (http://127.0.0.1) hears of thread.run.failed" in findings
    assert "ok webhooks 0 deliveries wait, 0 were given up" in findings


@pytest.mark.parametrize(
    ("mode", "others"),
    [(0o700, None), (0o755, "look into it"), (0o773, "add, delete and replace files in it")],
    ids=["its owner's", "readable", "writable"],
)
def test_a_data_folder_that_others_can_enter_is_told_by_doctor_and_start(
    tmp_path: Path, free_port: str, mode: int, others: str | None
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(mode)
    with serving(folder) as served:
        banner = " ".join(served.banner.split())
    flags = ("--data-dir", folder, "--port", free_port)
    findings = _findings(*flags, cwd=tmp_path, code=0)
    if others is None:
        assert f"ok data {folder} is writable" in findings
        assert "chmod" not in banner
        return
    said = f"others can {others} (mode {mode:o})"
    assert f"warn data {folder} is writable, and {said}" in findings
    assert f"is not for this user alone: {said}. chmod 700 keeps them out." in banner


def test_a_database_file_that_others_can_read_is_told(tmp_path: Path, free_port: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    sqlite3.connect(folder / "perdure.db").close()
    (folder / "perdure.db").touch()
    (folder / "perdure.db").chmod(0o640)
    findings = _findings("--data-dir", folder, "--port", free_port, cwd=tmp_path, code=0)
    said = "others can read or change perdure.db (mode 640)"
    assert f"warn data {folder} is writable, and {said}" in findings


def test_how_far_the_index_is_renewed_is_told(tmp_path: Path, free_port: str) -> None:
    folder = tmp_path / "data"
    with serving(folder):
        pass
    with sqlite3.connect(folder / "perdure.db") as file:
        # As an earlier version writes it, and one of this version's.
        file.execute("INSERT INTO segments (vector_store, level, chunks, live) VALUES (1, 0, 9, 7)")
        file.execute(
            "INSERT INTO segments (vector_store, level, chunks, live, rules, stemmer)"
            " VALUES (1, 0, 5, 5, ?, ?)",
            [stems.RULES, stems.STEMMER],
        )
    file.close()
    findings = _findings("--data-dir", folder, "--port", free_port, cwd=tmp_path, code=0)
    assert [finding for finding in findings if finding.startswith("ok index")] == [
        "ok index 5 of 12 chunks are indexed by the rules of this version; a running server renews "
        "the others, which are found as before until then"
    ]


def test_what_was_learnt_of_model_servers_is_told_for_a_day(tmp_path: Path, free_port: str) -> None:
    folder, now = tmp_path / "data", int(time.time())
    with serving(folder):
        pass
    rows = [
        ("http://m/v1", "gemma", "instructions in a user message", now),
        ("http://m/v1", "gemma", "without top_p", now),
        ("http://m/v1", "llama", "one call at a time", now - 86_500),
        *(("http://n/v1", f"model-{number:02}", "without top_p", now) for number in range(25)),
    ]
    with sqlite3.connect(folder / "perdure.db") as file:
        file.executemany("INSERT INTO adjustments VALUES (?, ?, ?, ?)", rows)
    file.close()
    findings = _findings("--data-dir", folder, "--port", free_port, cwd=tmp_path, code=0)
    told = [finding for finding in findings if finding.startswith("ok learnt")]
    assert told[0] == (
        "ok learnt http://m/v1 refused requests for gemma, which are made with: instructions in a "
        "user message; without top_p"
    )
    assert told[-1] == "ok learnt the same of 6 other models"
    assert "llama" not in "".join(told)


def test_what_program_a_model_server_is_is_told(tmp_path: Path, free_port: str) -> None:
    class Ollama(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers = {
                "/api/version": b'{"version": "0.12.3"}',
                "/v1/models": b'{"data": [{"id": "qwen3:8b"}]}',
            }
            body = answers.get(self.path, b"404 page not found")
            self.send_response(200 if self.path in answers else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Ollama) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        flags = ("--model-base-url", url, "--port", free_port, "--data-dir", tmp_path / "data")
        findings = _findings(*flags, cwd=tmp_path, code=0)
        server.shutdown()
    assert f"ok models default ({url}) lists qwen3:8b, and is of the kind ollama" in findings
