"""Whoever wrote a text that a command shows, a terminal obeys nothing of it.

All commands, and all texts of models, files, servers and users: `hostile.py`.
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from openai import OpenAI

import perdure.cli
from perdure import marks
from perdure.sandbox import output_filter
from perdure.sandbox.inside import files as inside
from tests.cli.hostile import CANARY, NAME, OBEYED, SEEN, OnTerminal, hostile_server
from tests.cli.processes import clean, serving

ADMIN_KEY = ("--admin-key", "sk-admin-of-somebody")
# Each command with what it is given; {url} is the hostile server, {file} a hostile file.
COMMANDS: dict[str, list[list[str]]] = {
    "assistants delete": [[NAME, "--yes", "--url", "{url}"], [NAME, "--yes", "--url",
                          "{url}/refusing"]],
    "assistants list": [["--url", "{url}"], ["--url", "{url}/refusing"]],
    "assistants show": [[NAME, "--url", "{url}"], [NAME, "--json", "--url", "{url}"],
                        [NAME, "--url", "{url}/refusing"]],
    "threads delete": [[NAME, "--yes", "--url", "{url}"]],
    "threads list": [["--url", "{url}"], ["--url", "{url}/senseless"]],
    "threads show": [[NAME, "--url", "{url}"], [NAME, "--json", "--url", "{url}"]],
    "runs cancel": [[NAME, "--url", "{url}"], [NAME, "--url", "{url}/refusing"]],
    "runs list": [["--url", "{url}"], ["--status", NAME, "--url", "{url}/refusing"],
                  ["--since", NAME]],
    "runs watch": [[NAME, "--url", "{url}"], ["--url", "{url}/refusing"],
                   ["--url", "{url}/senseless"]],
    "chat": [["--url", "{url}"], ["--url", "{url}/refusing"], ["--url", "{url}/senseless"],
             ["--url", "{url}/garbled"], ["--url", f"http://{NAME}"]],
    "doctor": [["--verify"], ["--data-dir", NAME], ["--model-base-url", "{url}/refusing"],
               ["--model-base-url", "{url}/garbled"], ["--database-url", NAME],
               ["--config", NAME]],
    "demo": [["{file}"], [NAME]],
    "export": [[NAME], ["{folder}"], ["-", "--url", "{url}/refusing"],
               [NAME, "--url", "{url}/refusing"], [NAME, "--since", NAME],
               [NAME, "--database-url", NAME]],
    "backup": [[NAME], ["--data-dir", NAME, "x.tar"]],
    "restore": [[NAME], ["{file}"]],
    "import": [[NAME], ["{file}"], ["{folder}"], ["{file}", "--url", "{url}"],
               ["{file}", "--on-conflict", NAME], ["{file}", "--report", NAME]],
    "files supply": [[NAME, "{file}", "--url", "{url}"], [NAME, "{file}", "--url",
                     "{url}/refusing"]],
    "files list": [["--url", "{url}"], ["--url", "{url}/refusing"], ["--purpose", NAME, "--url",
                   "{url}/senseless"]],
    "files upload": [["{file}", "--url", "{url}"], ["{file}", "--url", "{url}/refusing"],
                     ["{folder}"], [NAME]],
    "keys create": [["--url", "{url}", *ADMIN_KEY], ["--url", "{url}/refusing", *ADMIN_KEY],
                    ["--admin", "--url", "{url}", *ADMIN_KEY], ["--project", NAME],
                    ["--project", NAME, "--url", "{url}", *ADMIN_KEY],
                    ["--admin", "--database-url", NAME], ["--expires", NAME]],
    "keys list": [["--url", "{url}", *ADMIN_KEY], ["--url", "{url}/refusing", *ADMIN_KEY],
                  ["--admin", "--url", "{url}", *ADMIN_KEY]],
    "keys revoke": [[NAME, "--url", "{url}", *ADMIN_KEY],
                    [NAME, "--url", "{url}/refusing", *ADMIN_KEY]],
    "keys rotate": [[NAME, "--url", "{url}", *ADMIN_KEY], [NAME, "--overlap", NAME],
                    [NAME, "--url", "{url}/refusing", *ADMIN_KEY]],
    "projects archive": [[NAME, "--url", "{url}", *ADMIN_KEY],
                         [NAME, "--url", "{url}/refusing", *ADMIN_KEY]],
    "projects limit": [[NAME, "--url", "{url}", *ADMIN_KEY], [NAME, "--runs", NAME, *ADMIN_KEY],
                       [NAME, "--dollars", NAME, *ADMIN_KEY],
                       [NAME, "--url", "{url}/refusing", *ADMIN_KEY]],
    "usage": [["--url", "{url}", *ADMIN_KEY], ["--url", "{url}/refusing", *ADMIN_KEY],
              ["--days", NAME]],
    "projects create": [[NAME, "--url", "{url}", *ADMIN_KEY],
                        [NAME, "--url", "{url}/refusing", *ADMIN_KEY]],
    "projects list": [["--url", "{url}", *ADMIN_KEY], ["--url", "{url}/refusing", *ADMIN_KEY]],
    "projects rename": [[NAME, NAME, "--url", "{url}", *ADMIN_KEY],
                        [NAME, NAME, "--url", "{url}/refusing", *ADMIN_KEY]],
    "runs show": [[NAME, "--url", "{url}"], [NAME, "--url", "{url}/refusing"]],
    "serve": [["--port", NAME], ["--config", NAME], ["--host", NAME]],
    "stores add": [["{file}", "--url", "{url}"], ["{folder}", "--url", "{url}/refusing"], [NAME]],
    "stores list": [["--url", "{url}"], ["--url", "{url}/refusing"]],
    "stores read-again": [[NAME, "--url", "{url}"], [NAME, "--url", "{url}/refusing"]],
    "tls self-signed": [["--folder", NAME], ["--name", NAME], ["--days", NAME]],
    "stores search": [[NAME, NAME, "--url", "{url}"], [NAME, NAME, "--url", "{url}/refusing"],
                      [NAME, NAME, "--limit", NAME]],
}  # fmt: skip
CASES = [(name, arguments) for name, cases in COMMANDS.items() for arguments in cases]
# where the text itself is not shown: of a URL that cannot be read, any part may be a password
SILENT = {
    "{url}/senseless",
    f"http://{NAME}",
    "--database-url",
    "--port",
    "--limit",
    "--days",
    "--since",
    "--overlap",
    "--expires",
    "--project",
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with hostile_server() as url:
        yield url


def _commands(command: object, path: str = "") -> Iterator[str]:
    below = getattr(command, "commands", None)
    if below is None:
        yield path.strip()
        return
    for name, each in below.items():
        yield from _commands(each, f"{path} {name}")


def check(shown: str) -> None:
    """Only ends of lines are left, which a terminal writes as two characters."""
    found = OBEYED.intersection(shown.replace("\r\n", "\n"))
    assert not found, (found, shown)


def test_every_command_is_tried() -> None:
    assert sorted(_commands(typer.main.get_command(perdure.cli.app))) == sorted(COMMANDS)


@pytest.mark.parametrize(("command", "arguments"), CASES)
def test_nothing_that_a_command_shows_is_obeyed(
    url: str, tmp_path: Path, command: str, arguments: list[str]
) -> None:
    folder = tmp_path / f"{NAME}.d"
    folder.mkdir()
    file = folder / f"{NAME}.py"
    file.write_text("print('done')")
    given = [each.format(url=url, file=file, folder=folder) for each in arguments]
    shown = _shown([*command.split(), *given], url, tmp_path)
    check(shown)
    assert SEEN in shown or SILENT.intersection(arguments), shown


def _shown(arguments: list[str], url: str, folder: Path) -> str:
    (folder / "perdure.toml").write_text(_toml(url))
    command = OnTerminal(*arguments, cwd=folder, PERDURE_DATA_DIR=str(folder / NAME))
    command.type("Hello\nan output\n")
    shown = command.read()
    command.close()
    return shown


def _toml(url: str) -> str:
    """Settings whose names and values are hostile, as far as they may be."""
    name, target = json.dumps(NAME), json.dumps(f"{NAME}'s")
    servers = f'{{name = {name}, base_url = "{url}/v1"}}'
    return f"port = 0\nmodel_servers = [{servers}]\nmodel_aliases = {{{name} = {target}}}\n"


def test_neither_the_banner_nor_the_log_of_a_server_is_obeyed(url: str, tmp_path: Path) -> None:
    """Its model server lists such names, its embedding server fails with such a message."""
    (tmp_path / "perdure.toml").write_text(
        f'{_toml(url)}\nembedding_base_url = "{url}/refusing/v1"\nembedding_model = "e"\n'
    )
    served = OnTerminal("serve", cwd=tmp_path, PERDURE_DATA_DIR=str(tmp_path / NAME))
    shown = served.read("Stop      Ctrl-C")
    base_url = shown.partition("answers at ")[2].split()[0]
    with OpenAI(base_url=base_url, api_key="any", max_retries=0) as client:
        file = client.files.create(file=(f"{CANARY}.txt", b"Bees"), purpose="assistants")
        client.vector_stores.create(name=CANARY, file_ids=[file.id])
        shown += served.read("ingest_waits")
        client.vector_stores.files.create(client.vector_stores.create().id, file_id=file.id)
        shown += served.read("reason=")
    served.process.terminate()
    shown += served.read()
    served.close()
    check(shown)
    assert shown.count(SEEN) > 3


def test_what_is_damaged_in_a_database_is_told_and_not_obeyed(url: str, tmp_path: Path) -> None:
    data = tmp_path / NAME
    with serving(data) as served, OpenAI(base_url=served.base_url, api_key="any") as client:
        client.beta.assistants.create(model="m")
        served.stop()
    with sqlite3.connect(data / "perdure.db") as connection:
        connection.execute("UPDATE assistants SET id = ?", [CANARY])
    connection.close()
    shown = _shown(["doctor", "--verify"], url, tmp_path)
    check(shown)
    assert "in its row and asst_" in shown


# In a process of its own: how this one logs would stay changed for all later tests.
_LOGGING = """
import logging, sys
import structlog
from perdure import settings
from perdure.cli import logs

said = sys.stdin.read()
logs.configure(settings.only(log_level="info"))
try:
    raise ValueError(said)
except ValueError:
    structlog.get_logger("ours").exception("broke", reason=f"{said}\\nforged line")
    logging.getLogger("theirs").exception("%s\\nsecond line", said)
"""


def test_neither_values_nor_tracebacks_nor_words_of_libraries_are_obeyed_in_a_log() -> None:
    logged = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", _LOGGING],
        input=CANARY.encode(),
        capture_output=True,
        check=True,
        env=clean(None),
    )
    shown = logged.stderr.decode()
    check(shown)
    assert shown.count("END") == 4
    assert "\nforged line" not in shown


def test_what_turns_the_direction_of_writing_leaves_the_output_of_code() -> None:
    said = "".join(f"{mark}x" for mark in sorted(OBEYED - {"\r"})) + "\tcolumn\nline\r\n"
    cleaned = output_filter.clean_text(said)
    assert not OBEYED.intersection(cleaned)
    assert cleaned.endswith("x\tcolumn\nline\n")


def test_the_program_inside_of_a_sandbox_refuses_the_same_characters() -> None:
    """It has a list of its own, since it is alone in there."""
    assert not any(inside.is_presentable(f"a{each}b") for each in {*OBEYED, "\t", "\n", "\ud800"})
    assert inside.is_presentable("ein schöner Name 名")
    assert marks.HALVES == "\ud800-\udfff"
