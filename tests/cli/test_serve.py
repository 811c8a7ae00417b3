"""`perdure serve`: a banner when it answers, one sentence when it cannot, a graceful end."""

import json
import signal
import socket
import sqlite3
from pathlib import Path
from urllib.request import urlopen

import pytest
from openai import APIConnectionError, AuthenticationError, OpenAI

from tests.cli.processes import perdure, serving
from tests.patience import PATIENCE_SECONDS


def _refusal(*arguments: str | Path, cwd: Path) -> str:
    """What a start that fails says on stderr; it must be one sentence."""
    ended = perdure("serve", *arguments, cwd=cwd)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith("perdure: ")
    assert ended.stderr.count("\n") == 1
    return ended.stderr.removeprefix("perdure: ").rstrip("\n")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_the_banner_comes_when_the_server_answers_and_says_what_it_runs_on(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with serving(data_dir) as served:
        assert served.health() == (200, b'{"status":"ok"}')
        assert served.url.startswith("http://127.0.0.1:")
        assert f"  Database  SQLite in {data_dir}\n" in served.banner
        assert f"  Data      {data_dir}\n" in served.banner
        assert "NO MODEL SERVER IS CONFIGURED" in served.banner
        assert "  Code      is isolated by bubblewrap on this machine\n" in served.banner
        assert "\x1b" not in served.banner


def test_with_a_log_in_json_nothing_else_is_said(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    environment = {"PERDURE_LOG_FORMAT": "json", "PERDURE_MODEL_ALIASES": '{"gpt-4*": "a\\u001b"}'}
    with serving(data_dir, environment=environment) as served:
        *warnings, started = [json.loads(line) for line in served.banner.splitlines()]
        assert served.drain() == (0, ["draining"])
    assert started["url"] == served.base_url
    assert started["data"] == [str(data_dir)]
    assert started["database"] == [f"SQLite in {data_dir}"]
    assert started["alias"] == ["gpt-4* is answered by a\x1b"]
    assert [line["event"] for line in warnings] == ["server_start_warning"]
    assert warnings[0]["about"] == "NO MODEL SERVER IS CONFIGURED:"


def test_the_banner_says_when_no_code_can_be_run(tmp_path: Path) -> None:
    """Without a PATH there is no bubblewrap; the server serves all the same."""
    with serving(tmp_path / "data", environment={"PATH": str(tmp_path)}) as served:
        assert served.health()[0] == 200
        assert (
            "  Code      cannot be run: code_interpreter will be refused. The code interpreter "
            "needs bubblewrap, which is not installed: apt install bubblewrap"
        ) in served.banner


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_gracefully_with_exit_code_0_and_no_noise(
    how: signal.Signals, tmp_path: Path
) -> None:
    with serving(tmp_path / "data") as served:
        assert served.drain(how) == (0, ["draining"])


def test_data_is_there_after_a_restart(tmp_path: Path) -> None:
    with (
        serving(tmp_path / "data") as served,
        OpenAI(base_url=served.base_url, api_key="any") as client,
    ):
        thread = client.beta.threads.create(metadata={"kept": "yes"})
        served.stop()
    with (
        serving(tmp_path / "data") as served,
        OpenAI(base_url=served.base_url, api_key="any") as client,
    ):
        assert client.beta.threads.retrieve(thread.id).metadata == {"kept": "yes"}


def test_models_and_aliases_of_a_model_server_are_listed(tmp_path: Path) -> None:
    """The model server is a second Perdure: it answers /v1/models like any other."""
    with serving(tmp_path / "upstream") as upstream:
        with OpenAI(base_url=upstream.base_url, api_key="any") as client:
            model = client.models.list().data[0].id
        aliases = {"PERDURE_MODEL_ALIASES": f'{{"gpt-4o": "{model}"}}'}
        flags = ("--model-base-url", upstream.base_url, "--model-api-key", "any")
        with serving(tmp_path / "data", *flags, environment=aliases) as served:
            assert f"  Models    default ({upstream.base_url}): {model}" in served.banner
            assert f"  Alias     gpt-4o is answered by {model}\n" in served.banner
            assert "NO MODEL SERVER" not in served.banner


def test_a_model_server_that_is_away_is_a_warning_and_no_obstacle(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{_free_port()}/v1"
    with serving(tmp_path / "data", "--model-base-url", url) as served:
        assert (
            f"  Models    default ({url}) cannot be used yet. "
            f"The model server at {url} cannot be reached. "
        ) in served.banner
        assert served.health() == (200, b'{"status":"ok"}')


def test_configured_api_keys_are_demanded_and_never_shown(tmp_path: Path) -> None:
    keys = {"PERDURE_API_KEYS": "sk-right-key"}
    with serving(tmp_path / "data", environment=keys) as served:
        assert "  API keys  one of 1 must be sent\n" in served.banner
        assert "sk-right-key" not in served.banner
        with OpenAI(base_url=served.base_url, api_key="sk-right-key") as client:
            client.beta.threads.create()
        with (
            OpenAI(base_url=served.base_url, api_key="sk-wrong-key") as client,
            pytest.raises(AuthenticationError),
        ):
            client.beta.threads.create()


def test_a_taken_port_is_told_before_anything_is_touched(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        data_dir = tmp_path / "data"
        assert _refusal("--port", port, "--data-dir", data_dir, cwd=tmp_path) == (
            f"Port {port} on 127.0.0.1 is taken: "
            "stop the program that uses it, or choose another with --port."
        )
        assert not data_dir.exists()


def test_an_unknown_host_is_told(tmp_path: Path) -> None:
    (tmp_path / "perdure.toml").write_text('api_keys = ["key"]')
    refusal = _refusal("--host", "no.such.host.invalid", cwd=tmp_path)
    assert refusal.startswith("The host 'no.such.host.invalid' is unknown: ")


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "data"
    assert _refusal("--port", "0", "--data-dir", folder, cwd=tmp_path) == (
        f"The data folder {folder} cannot be written: Not a directory."
    )


def test_a_data_folder_belongs_to_one_server(tmp_path: Path) -> None:
    with serving(tmp_path / "data"):
        assert _refusal("--port", "0", "--data-dir", tmp_path / "data", cwd=tmp_path) == (
            f"The data folder {tmp_path / 'data'} is in use by another perdure process."
        )


def test_a_database_of_a_newer_version_is_told(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        served.stop()
    with sqlite3.connect(tmp_path / "perdure.db") as connection:
        connection.execute("INSERT INTO schema_migrations (name) VALUES ('9999_future')")
    connection.close()
    refusal = _refusal("--port", "0", "--data-dir", tmp_path, cwd=tmp_path)
    assert "newer version of Perdure" in refusal


def test_a_database_that_cannot_be_reached_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://perdure:sk-secret@127.0.0.1:{_free_port()}/perdure"
    refusal = _refusal("--port", "0", "--database-url", url, cwd=tmp_path)
    assert refusal.startswith("The PostgreSQL database cannot be opened: ")
    assert "sk-secret" not in refusal


def test_a_wrong_setting_is_told_with_its_origin(tmp_path: Path) -> None:
    (tmp_path / "perdure.toml").write_text("prot = 1")
    assert _refusal(cwd=tmp_path) == "'prot' in perdure.toml is not a setting."


def test_other_machines_are_not_served_without_api_keys(tmp_path: Path) -> None:
    assert "refuses to start without API keys" in _refusal("--host", "0.0.0.0", cwd=tmp_path)


def test_the_process_listens_no_more_after_its_end(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as served:
        served.stop()
        with (
            OpenAI(base_url=served.base_url, api_key="any", max_retries=0) as client,
            pytest.raises(APIConnectionError),
        ):
            client.models.list()


def test_the_version_is_printed() -> None:
    from perdure import __version__

    assert perdure("--version").stdout == f"perdure {__version__}\n"


def test_a_port_of_its_own_answers_for_the_metrics_until_the_server_has_stopped(
    tmp_path: Path,
) -> None:
    port = _free_port()
    environment = {"PERDURE_METRICS_PORT": str(port), "PERDURE_API_KEYS": "sk-c1n1ry"}
    with serving(tmp_path / "data", environment=environment) as served:
        with OpenAI(base_url=served.base_url, api_key="sk-c1n1ry") as client:
            client.beta.threads.create()
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SECONDS) as answer:
            told = answer.read().decode()
        assert 'perdure_http_requests_total{code="200",method="POST",route="/threads"} 1.0' in told
        assert "c1n1ry" not in told
        with urlopen(f"{served.url}/ready", timeout=PATIENCE_SECONDS) as answer:
            assert answer.status == 200
        assert served.drain() == (0, ["draining"])
    with pytest.raises(OSError, match="refused"):
        urlopen(f"http://127.0.0.1:{port}/ready", timeout=PATIENCE_SECONDS)


def test_a_port_of_the_metrics_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {"PERDURE_METRICS_PORT": str(port)}
        ended = perdure("serve", "--port", "0", "--data-dir", tmp_path, environment=environment)
    assert ended.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken" in ended.stderr
    assert "metrics_port" in ended.stderr
