"""No command shows a secret: not in what it prints, not in a log, an error or a traceback.

Which settings hold secrets is read from their types, so that a new one is tried too.
"""

import asyncio
import json
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import httpx2
import pytest
from pydantic import BaseModel, SecretStr

from perdure import settings
from perdure.errors import ConfigurationError, Unavailable
from perdure.settings import Settings
from perdure.storage import S3Settings, connect_blobs
from tests.cli.echo import echo_server
from tests.cli.forked import Forked
from tests.cli.processes import perdure, serving
from tests.patience import PATIENCE_SECONDS, wait_until

# So that it is seen when a part of a secret is shown.
CANARY = re.compile(r"c\dn\dry", re.IGNORECASE)
SECRET = "c1n1ry"
# Passwords with characters that ought to be percent-encoded, with half an encoding, and with those
# that need none.
PASSWORDS = tuple(
    f"c1n1ry{between}c2n2ry"
    for between in ("%", "%0", "%00", "%ff", "@", "/", "#", "?", "[", "]", ":", " ", "\t", "\\",
                    "&", "=", ";", ",", "'", '"', "{", "ü", "\N{ACCOUNT OF}", "\x1b", "")
)  # fmt: skip
URLS = (
    *("user:{}@127.0.0.1:1/x", "user:{}/x", "127.0.0.1:{}/x"),
    *("127.0.0.1:1/x?password={}", "127.0.0.1:1/x?{}", "127.0.0.1:1/x?sslmode=no&password={}"),
    *("user:{}@", "user:{}@127.0.0.1:1,127.0.0.1:1/x"),
)
SCHEMES = ("postgresql://", "http://", "s3://", "ftp://", "postgresql:", "")
ARGUMENTS = (
    ["doctor", "--verify"],
    *(
        ["serve"],
        ["tls", "self-signed"],
        ["chat"],
        ["files", "list"],
        ["files", "upload", __file__],
    ),
    *(["stores", "list"], ["stores", "add", __file__], ["stores", "search", "a", "b"]),
)


def _is_secret(annotation: object) -> bool:
    return annotation is SecretStr or SecretStr in get_args(annotation)


def _names(kind: type[BaseModel]) -> list[str]:
    """The secrets and the URLs among the fields of a table, or of the settings."""
    return [
        name
        for name, field in kind.model_fields.items()
        if _is_secret(field.annotation) or name.endswith(("url", "endpoint"))
    ]


def _tables() -> dict[str, type[BaseModel]]:
    """The settings that are lists of tables with secrets, and the tables."""
    kinds = {name: get_args(Settings.model_fields[name].annotation) for name in settings.secrets()}
    return {
        name: kind[0]
        for name, kind in kinds.items()
        if kind and isinstance(kind[0], type) and issubclass(kind[0], BaseModel)
    }


def _values(name: str, *, is_secret: bool) -> list[str]:
    if is_secret and not name.endswith("url"):
        return list(PASSWORDS)
    schemes = ("postgresql://",) if name == "database_url" else SCHEMES
    wrong = [f"{scheme}{URLS[0].format(SECRET)}" for scheme in SCHEMES]
    if name != "database_url":  # whose user is shown
        wrong.append(f"https://{SECRET}@127.0.0.1:1/x")
    return wrong + [
        f"{scheme}{url.format(password)}"
        for scheme in schemes[:2]
        for url in URLS
        for password in (PASSWORDS if name == "database_url" else PASSWORDS[::4])
        # nobody can tell that what is behind @ is no host
        if "@" in url or "@" not in password
    ]


def _environments() -> Iterator[dict[str, str]]:
    for name in _names(Settings):
        for value in _values(name, is_secret=name in settings.secrets()):
            yield {f"PERDURE_{name.upper()}": value}
    for name, table in _tables().items():
        yield {f"PERDURE_{name.upper()}": f'[{{"name": "a", "{SECRET}": "{SECRET}"'}
        for field in _names(table):
            texts = _values(field, is_secret=_is_secret(table.model_fields[field].annotation))
            values: list[object] = [*texts, 7, [SECRET], {SECRET: SECRET}]
            for wrong in values:
                plain = "http://127.0.0.1:1"
                row = {"name": "a", "base_url": plain, "url": plain} | {field: wrong}
                known = {each: row[each] for each in row if each in table.model_fields}
                yield {f"PERDURE_{name.upper()}": json.dumps([known])}


def _run(arguments: list[str]) -> str:
    """All that a command says to its end, which it must come to."""
    process = Forked(arguments, cwd=None, env=os.environ)
    return "".join(process.communicate(timeout=PATIENCE_SECONDS))


def check(said: str) -> None:
    found = CANARY.search(said)
    assert found is None, said[max(0, found.start() - 300) : found.end() + 100]


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    with echo_server() as address:
        yield address


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.setenv("PERDURE_DATA_DIR", str(tmp_path / "data"))


def test_every_setting_with_a_secret_is_known_by_its_type() -> None:
    assert {"database_url", "api_keys", "webhooks", "model_servers"} <= settings.secrets()
    assert set(_tables()) == {"model_servers", "webhooks"}


def test_no_setting_shows_its_secret_however_it_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the sentence that refuses it, and in what the doctor says of one that is taken."""
    refused = taken = 0
    for environment in _environments():
        with monkeypatch.context() as here:
            for name, value in environment.items():
                here.setenv(name, value)
            try:
                chosen = settings.load()
            except ConfigurationError as error:
                check(str(error))
                refused += 1
                continue
            taken += 1
            for name in Settings.model_fields:
                check(settings.printable(chosen, name))
            check(f"{chosen.database_label} {[server.name for server in chosen.servers]}")
    assert refused > 100
    assert taken > 50


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
@pytest.mark.parametrize(
    "environment",
    [
        {"PERDURE_DATABASE_URL": "postgresql://user:c1n1ry%c2n2ry@127.0.0.1:1/x"},
        {"PERDURE_MODEL_SERVERS": '[{"name": "a", "api_key": "c1n1ry'},
        {"PERDURE_MODEL_BASE_URL": "http://user:c1n1ry/c2n2ry@127.0.0.1:1/v1"},
    ],
    ids=str,
)
def test_no_command_shows_the_secret_of_a_setting_that_it_refuses(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], environment: Mapping[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    said = _run(arguments)
    check(said)
    assert next(iter(environment)) in said


@pytest.mark.parametrize(
    "text",
    ['model_api_key = ["c1n1ry"]', 'model_api_key = "c1n1ry', 'api_keys = {a = "c1n1ry"}',
     '[[model_servers]]\nname = "a"\napikey = "c1n1ry"', 'c1n1ry', 'database_url = 7\n"c1n1ry"']
)  # fmt: skip
def test_no_command_shows_what_is_wrong_in_a_file(text: str) -> None:
    Path("perdure.toml").write_text(text)
    said = _run(["serve"])
    check(said)
    assert "perdure.toml" in said


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_no_command_shows_the_password_of_a_database_that_it_cannot_reach(
    monkeypatch: pytest.MonkeyPatch, echo: str, command: str, password: str
) -> None:
    # so that the doctor starts no sandbox
    monkeypatch.setenv("PERDURE_CODE_GATEWAY_URL", f"http://{echo}")
    url = f"postgresql://user:{password}@127.0.0.1:1/x?sslpassword=c3n3ry"
    check(_run([command, "--port", "0", "--database-url", url]))


@pytest.mark.parametrize("arguments", [each for each in ARGUMENTS if each[0] in
                                       ("chat", "files", "stores")], ids=" ".join)  # fmt: skip
@pytest.mark.parametrize(
    "url",
    ["http://{echo}", "http://user:c2n2ry@{echo}", "http://user:c2n2ry@127.0.0.1:1",
     "http://user:c2n2ry/@127.0.0.1:1", "http://user:c2n2ry", "user:c2n2ry@{echo}"],
)  # fmt: skip
def test_no_client_shows_its_key_or_the_password_of_its_url(
    echo: str, arguments: list[str], url: str
) -> None:
    said = _run([*arguments, "--api-key", SECRET, "--url", url.format(echo=echo)])
    check(said)
    assert said.startswith(("perdure: ", "error: ")) or "Refused" in said or "/v1/" in said


def test_the_demo_shows_neither_the_key_nor_the_password_of_its_model_server() -> None:
    url = "http://user:c1n1ry@127.0.0.1:1/v1"
    program = ("--", sys.executable, "-c", "print('ran')")
    ran = perdure("demo", "--model-base-url", url, *program)
    check(ran.stdout + ran.stderr)
    assert "served by http://127.0.0.1:1/v1\n" in ran.stderr


def test_a_base_url_with_a_query_is_refused_without_showing_it() -> None:
    url = "http://user:c1n1ry@127.0.0.1:1/v1?key=c2n2ry"
    ran = perdure("doctor", environment={"PERDURE_MODEL_BASE_URL": url})
    check(ran.stdout + ran.stderr)
    assert ran.returncode == 1
    assert "a base URL has no query" in " ".join(ran.stdout.split())


async def test_a_bucket_that_repeats_its_keys_does_not_show_them(echo: str) -> None:
    blobs = connect_blobs(
        S3Settings("s3://bucket/x", f"http://{echo}", "us-east-1", "c1n1ry", "c2n2ry"), Path()
    )

    async def content() -> Any:
        yield b"content"

    for asked in (blobs.open(), blobs.write("blob_1", content()), blobs.default.delete("blob_1")):
        with pytest.raises((ConfigurationError, Unavailable)) as refused:
            await asked
        said = "".join(traceback.format_exception(refused.value))
        check(said)
        assert "InvalidAccessKeyId" in said


def _environment(echo: str) -> dict[str, str]:
    """All secrets there are, of servers that repeat what they are told."""
    plain = [name for name in settings.secrets() if name not in {*_tables(), "database_url"}]
    secret = "c5n5ry00" * 4
    server = {"name": "a", "base_url": f"http://{echo}/a/v1", "api_key": secret, "models": ["ma"]}
    webhook = {"name": "w", "url": f"http://{echo}/{SECRET}", "secret": f"whsec_{secret}"}
    return {
        **{f"PERDURE_{name.upper()}": f"{SECRET}-{name}" for name in plain},
        "PERDURE_MODEL_SERVERS": json.dumps([server]),
        "PERDURE_WEBHOOKS": json.dumps([webhook]),
        "PERDURE_WEBHOOK_PRIVATE_TARGETS": "true",
        "PERDURE_MODEL_BASE_URL": f"http://{echo}/v1",
        "PERDURE_EMBEDDING_BASE_URL": f"http://{echo}/e/v1",
        "PERDURE_EMBEDDING_MODEL": "e",
        "PERDURE_REWRITE_MODEL": "ma",
        "PERDURE_CODE_GATEWAY_URL": f"http://{echo}/g",
        "PERDURE_LOG_LEVEL": "debug",
    }


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_neither_the_log_nor_the_answers_of_a_server_show_a_secret(
    echo: str, tmp_path: Path, log_format: str
) -> None:
    given = _environment(echo)
    assert {f"PERDURE_{name.upper()}" for name in settings.secrets()} - given.keys() == {
        "PERDURE_DATABASE_URL"
    }
    # a server with a bucket that refuses does not start
    environment = {name: value for name, value in given.items() if "BLOB" not in name}
    environment["PERDURE_LOG_FORMAT"] = log_format
    with serving(tmp_path / "data", environment=environment) as served:
        said = served.banner
        with httpx2.Client(
            base_url=served.base_url,
            headers={"authorization": f"Bearer {given['PERDURE_API_KEYS']}",
                     "openai-beta": "assistants=v2"},
            timeout=PATIENCE_SECONDS,
        ) as http:  # fmt: skip
            said += asyncio.run(_use(http))
        code, log = served.stop()
    check(said)
    check(log)
    assert code == 0
    assert "query_not_rewritten" in log
    assert "***" in said  # a server repeated a key


async def _use(http: httpx2.Client) -> str:
    """Asks everything of all servers that refuse; the answers."""
    answers = []

    def ask(method: str, path: str, **given: Any) -> Any:
        answer = http.request(method, path, **given)
        answers.append(answer.text)
        assert answer.status_code != 500, answer.text
        return answer.json()

    def end_of(path: str) -> None:
        wait_until(lambda: ask("GET", path)["status"] not in ("queued", "in_progress"))

    for model in ("ma", "other"):
        messages = [{"role": "user", "content": "Hi"}]
        ask("POST", "/chat/completions", json={"model": model, "messages": messages})
        body = {"model": model, "instructions": "Be.", "tools": [{"type": "code_interpreter"}]}
        assistant = ask("POST", "/assistants", json=body)
        run = ask("POST", "/threads/runs", json={"assistant_id": assistant["id"]})
        end_of(f"/threads/{run['thread_id']}/runs/{run['id']}")
    ask("POST", "/embeddings", json={"model": "ma", "input": "Hi"})
    ask("GET", "/models")
    file = ask("POST", "/files", files={"file": ("a.txt", b"Bees")}, data={"purpose": "assistants"})
    store = ask("POST", "/vector_stores", json={"file_ids": [file["id"]]})
    search = {"query": "Bees", "rewrite_query": True}
    ask("POST", f"/vector_stores/{store['id']}/search", json=search)
    ask("GET", "/models", headers={"authorization": "Bearer wrong"})
    read = f"/vector_stores/{store['id']}/files/{file['id']}"
    end_of(read)
    return "\n".join(answers)
