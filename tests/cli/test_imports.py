"""A command imports what it needs, and when it needs it: that is most of the time that a start
takes.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.cli.processes import clean
from tests.patience import PATIENCE_SECONDS

# What takes a tenth of a second or much more.
HEAVY = {"aiohttp", "aiosql", "bpe_openai", "jupyter_client", "kreuzberg", "numpy", "obstore",
         "openai", "opentelemetry", "psycopg", "pypdfium2", "starlette", "uvicorn"}  # fmt: skip
CLIENT = {"aiohttp"}
SERVER = {"aiosql", "starlette", "uvicorn"}
# An idle server has about 1,010 modules, the interpreter's own among them; a library as those above
# brings 80 or more.
MOST_MODULES = 1080
# Of ours, what only a server needs.
OURS = {f"perdure.{name}" for name in ("api", "app", "commands", "engine", "sandbox", "storage")}

# Runs commands, one after the other, and says then what it has imported.
PROGRAM = """
import json, sys
from perdure.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["perdure", *arguments]
    try:
        main()
    except SystemExit:
        pass
print(json.dumps(list(sys.modules)))
"""


def begin(folder: Path, commands: Sequence[Sequence[str]]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, json.dumps(commands)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=clean(None),
    )


def imported(process: subprocess.Popen[str]) -> tuple[set[str], str]:
    """The modules that it has imported at its end, and what it said."""
    said, complaints = process.communicate(timeout=PATIENCE_SECONDS)
    *lines, modules = said.splitlines()
    return set(json.loads(modules)), "\n".join([*lines, complaints])


def test_help_imports_nothing_that_a_command_would_need(tmp_path: Path) -> None:
    asked = ["--help"], ["doctor", "--help"], ["serve", "--help"], ["stores", "add", "--help"]
    modules, said = imported(begin(tmp_path, asked))
    assert said.count("Usage: ") == len(asked)
    assert modules & (HEAVY | OURS) == set()


def test_a_command_that_talks_to_a_server_imports_none(tmp_path: Path) -> None:
    nobody = ["--url", "http://127.0.0.1:9"]
    asked = ["chat", *nobody], ["files", "list", *nobody], ["stores", "list", *nobody]
    modules, said = imported(begin(tmp_path, asked))
    assert said.count("cannot be reached") == len(asked)
    assert modules & (HEAVY | OURS) == CLIENT


def test_a_server_imports_no_database_storage_or_client_that_it_does_not_have(
    tmp_path: Path,
) -> None:
    """Nor what it needs for the first search, file or count of tokens only."""
    process = begin(tmp_path, [["serve", "--port", "0", "--data-dir", str(tmp_path / "data")]])
    assert process.stderr is not None
    try:
        assert any(line.startswith("  Stop") for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        modules, _ = imported(process)
    finally:
        process.kill()
    assert modules & HEAVY == SERVER
    # The vocabulary takes as much memory as the rest of the server.
    assert not any(name.startswith("bpe_openai") for name in modules)
    assert len(modules) <= MOST_MODULES
