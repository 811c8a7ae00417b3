"""A real pgbouncer before the PostgreSQL of the tests, in a folder of its own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import psycopg
import pytest

from tests.databases import PostgresServer
from tests.patience import PATIENCE_SECONDS, wait_until

# The port is a part of the name of its socket only.
_PORT = 6432
_CONFIGURATION = """
[databases]
* = host={server}
[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = 50
ignore_startup_parameters = extra_float_digits
"""


def _program() -> str | None:
    # Debian has it where only root's path leads.
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def pooled(
    server: PostgresServer, database: str, mode: Literal["session", "transaction"]
) -> Iterator[str]:
    """The URL of the database through a pooler; skips the test where there is none."""
    program = _program()
    if program is None:
        pytest.skip("pgbouncer is not installed: it is not tested here")
    # Not pytest's folder: the path of a Unix socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="perdure-pool-"))
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "settings").write_text(
        _CONFIGURATION.format(server=server.folder, folder=folder, port=_PORT, mode=mode)
    )
    user = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
    if user:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, user)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, str(folder / "settings")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=user, start_new_session=True,
        )  # fmt: skip
    url = f"postgresql://postgres@/{database}?host={folder}&port={_PORT}"

    def answers() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        with suppress(psycopg.OperationalError):
            psycopg.connect(url).close()
            return True
        return False

    try:
        wait_until(answers)
        yield url
    finally:
        process.kill()
        process.wait(PATIENCE_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)
