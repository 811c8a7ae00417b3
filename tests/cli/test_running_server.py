"""A running server tells the doctor what it is configured with, and nobody else."""

import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.cli.processes import Served, perdure, serving
from tests.model_servers.fixture import ModelServer, ollama
from tests.patience import PATIENCE_SECONDS

__all__ = ["ollama"]

SECRETS = {"PERDURE_API_KEYS": "sk-c1n1ry,sk-c2n2ry"}
NAMES = "gpt-4o, gpt-4o-mini, gpt-4-turbo, gpt-4.1, gpt-4, gpt-3.5-turbo"
WITHOUT_SANDBOX = {"PATH": "/nowhere"}


@pytest.fixture
def served(tmp_path: Path, ollama: ModelServer) -> Iterator[Served]:
    """A server as a new user starts it, with a model server like Ollama."""
    flags = ("--model-base-url", ollama.base_url)
    environment = {**SECRETS, **WITHOUT_SANDBOX}
    with serving(tmp_path / "data", *flags, environment=environment) as served:
        yield served


def doctor(folder: Path, *flags: str, code: int = 0) -> list[str]:
    """The lines of the report about the data folder, with single spaces."""
    environment = {"PERDURE_DATA_DIR": str(folder / "data"), **WITHOUT_SANDBOX}
    ended = perdure("doctor", *flags, cwd=folder, environment=environment)
    assert (ended.returncode, ended.stderr) == (code, "")
    return [" ".join(line.split()) for line in ended.stdout.splitlines()]


def test_the_doctor_tells_what_a_running_server_was_started_with(
    tmp_path: Path, served: Served, ollama: ModelServer
) -> None:
    lines = doctor(tmp_path)
    begins = "ok server Perdure "
    assert lines[0].startswith(begins)
    assert lines[0].endswith(f"answers at {served.url}; this is what it runs with")
    url = ollama.base_url
    assert f"ok settings model_base_url = {url} from the flag --model-base-url" in lines
    assert (
        "ok settings api_keys = 2 secret(s) from the environment variable PERDURE_API_KEYS" in lines
    )
    assert any(line.startswith(f"ok models default ({url}) lists qwen3:8b,") for line in lines)
    told = "told by the server: qwen3:8b 4096 (when it is loaded), llama3.2:latest 8192"
    assert any(told in line for line in lines)
    assert (
        "warn windows qwen3:8b takes 4096 tokens of the 40960 that it could: of longer threads, "
        "the oldest messages are left out"
    ) in lines
    assert (
        f"warn names programs that ask for {NAMES} fail here: no server lists these names" in lines
    )
    assert "c1n1ry" not in "".join(lines)


def test_what_is_set_here_and_not_in_the_running_server_is_told(
    tmp_path: Path, served: Served
) -> None:
    (tmp_path / "perdure.toml").write_text("max_tool_rounds = 3")
    assert (
        "warn settings max_tool_rounds = 3 from perdure.toml, and the running server has its "
        "default"
    ) in doctor(tmp_path)
    served.stop()
    assert "ok settings max_tool_rounds = 3 from perdure.toml" in doctor(tmp_path)


def test_a_flag_asks_for_what_a_server_with_it_would_find(tmp_path: Path, served: Served) -> None:
    assert served.process.poll() is None
    lines = doctor(tmp_path, "--default-model", "any")
    assert not any("this is what it runs with" in line for line in lines)


def test_only_who_shows_the_token_is_told(tmp_path: Path, served: Served) -> None:
    path = tmp_path / "data" / "running.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = json.loads(path.read_text())
    assert told["url"] == served.url
    key = {"authorization": "Bearer sk-c1n1ry"}
    with httpx2.Client(base_url=served.url, timeout=PATIENCE_SECONDS) as client:
        for headers in ({}, {"x-perdure-token": ""}, {"x-perdure-token": told["token"][:-1]}):
            assert client.get("/configuration", headers=headers).status_code == 401
            refused = client.get("/configuration", headers={**key, **headers})
            unknown = client.get("/no-such", headers={**key, **headers})
            assert (refused.status_code, unknown.status_code) == (404, 404)
        shown = {"x-perdure-token": told["token"]}
        answer = client.get("/configuration", headers=shown)
        assert answer.status_code == 200
        assert "c1n1ry" not in answer.text
        asked = client.get("/v1/health_report", headers=key)
        assert asked.json()["error"]["code"] == "insufficient_permissions"
        host = {**shown, "host": "evil.example"}
        assert client.get("/configuration", headers=host).status_code == 403
    served.stop()
    assert not path.exists()


def test_an_operator_is_shown_the_findings_of_the_doctor(
    tmp_path: Path, ollama: ModelServer
) -> None:
    flags = ("--model-base-url", ollama.base_url)
    with (
        serving(tmp_path / "data", *flags, environment=WITHOUT_SANDBOX) as served,
        httpx2.Client(base_url=served.base_url, timeout=PATIENCE_SECONDS) as client,
    ):
        answer = client.get("/health_report", headers={"authorization": "Bearer any"})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert (report["object"], report["url"]) == ("health_report", served.url)
    assert report["settings"]["model_base_url"] == ollama.base_url
    (code,) = [each for each in report["findings"] if each["subject"] == "code"]
    assert (code["status"], code["remedy"]) == ("warn", "docs/operating.md says what it needs.")
    lists = f"default ({ollama.base_url}) lists qwen3:8b,"
    assert any(each["text"].startswith(lists) for each in report["findings"])
    assert report["status"] in ("warn", "fail")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"url": "http://x"}', b"\xff"])
def test_a_file_that_says_nonsense_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "running.json").write_bytes(content)
    assert not any("this is what it runs with" in line for line in doctor(tmp_path))


def test_a_server_that_was_killed_is_not_waited_for(tmp_path: Path) -> None:
    """Another program may have its port now, which is none of ours."""
    (tmp_path / "data").mkdir(mode=0o700)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    file = {"url": f"http://127.0.0.1:{port}", "token": "t"}
    (tmp_path / "data" / "running.json").write_text(json.dumps(file))
    assert not any("this is what it runs with" in line for line in doctor(tmp_path))


def test_the_start_says_which_well_known_names_fail_and_what_to_do(served: Served) -> None:
    row = next(line for line in served.banner.splitlines() if line.startswith("  Names"))
    assert row == (
        f"  Names     programs that ask for {NAMES} fail here. Let a model of yours answer: "
        "--alias 'gpt-*=qwen3:8b', or --default-model qwen3:8b."
    )


@pytest.mark.parametrize("flags", [("--alias", "gpt-*=qwen3:8b"), ("--default-model", "qwen3:8b")])
def test_a_new_user_does_what_the_start_says_and_the_readmes_program_runs(
    tmp_path: Path, ollama: ModelServer, flags: tuple[str, str]
) -> None:
    begun = ("--model-base-url", ollama.base_url, *flags)
    with serving(tmp_path / "data", *begun, environment=WITHOUT_SANDBOX) as served:
        assert "Names" not in served.banner
        headers = {"authorization": "Bearer any", "openai-beta": "assistants=v2"}
        with httpx2.Client(
            base_url=served.base_url, headers=headers, timeout=PATIENCE_SECONDS
        ) as client:
            assistant = client.post("/assistants", json={"model": "gpt-4o"}).json()["id"]
            thread = {"messages": [{"role": "user", "content": "What is a thread?"}]}
            body = {"assistant_id": assistant, "thread": thread, "stream": True}
            told = client.post("/threads/runs", json=body).text
        assert "event: thread.run.completed" in told
        assert "qwen3:8b saw 4 words" in told
        lines = doctor(tmp_path)
        assert not any(line.startswith(("warn names", "fail")) for line in lines)
