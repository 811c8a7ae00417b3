"""`make cluster`: three servers on one PostgreSQL behind a proxy, and a program that uses them.

    python -m tests.cluster [PROGRAM]

The PostgreSQL is that of the tests, empty and gone afterwards; the scripted model answers. The
proxy gives each request to the next server. Without a program it is `examples/quickstart.py`. At
the end it is said how many requests each server had, and how many runs each worked on.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from tests.cli.processes import Served, serving
from tests.cluster.proxy import RoundRobin
from tests.databases import NoServer, PostgresServer

_SERVERS = 3
_QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart.py"
# A run names who works on it only as long as that goes on.
_COUNT_CLAIMS = """
CREATE TABLE claims (owner TEXT NOT NULL);
CREATE FUNCTION note_claim() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO claims VALUES (NEW.owner); RETURN NULL; END';
CREATE TRIGGER note_claim AFTER UPDATE ON runs FOR EACH ROW
    WHEN (NEW.epoch > OLD.epoch) EXECUTE FUNCTION note_claim()
"""
_CLAIMS = "SELECT address, COUNT(*) FROM claims JOIN servers ON id = owner GROUP BY address"


def main(program: Path) -> int:
    """Runs the program; its exit code."""
    with _postgres() as url, TemporaryDirectory(prefix="perdure-cluster-") as folder:
        _say("a PostgreSQL runs")
        with ExitStack() as living:
            servers = []
            for number in range(1, _SERVERS + 1):
                data = Path(folder, f"server{number}")
                servers.append(living.enter_context(serving(data, "--database-url", url)))
                _say(f"server {number} of {_SERVERS} answers at {servers[-1].base_url}")
            code = asyncio.run(_run(program, servers, url))
            for server in servers:
                server.stop()
    _say(f"all is stopped and removed; the program's exit code is {code}")
    return code


async def _run(program: Path, servers: list[Served], url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_COUNT_CLAIMS)
        async with RoundRobin([server.url for server in servers]).running() as proxy:
            _say(f"a proxy gives each request to the next of them: {proxy.url}/v1")
            _say(f"running: {program.name}")
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(program)),
                env={
                    **os.environ,
                    "OPENAI_BASE_URL": f"{proxy.url}/v1",
                    "OPENAI_API_KEY": "any",
                    "PYTHONUNBUFFERED": "1",
                },
            )
            code = await process.wait()
        claims: dict[str, int] = dict(connection.execute(_CLAIMS).fetchall())
    for server, requests in proxy.shares.items():
        where = server.removeprefix("http://")
        _say(f"{where} had {requests} requests, and took runs {claims.get(where, 0)} times")
    return code


@contextmanager
def _postgres() -> Iterator[str]:
    """The URL of an empty database on the tests' server."""
    try:
        server = PostgresServer()
    except NoServer as error:
        raise SystemExit(f"cluster: there is no PostgreSQL to start here: {error}") from None
    try:
        server.start()
        server.execute("CREATE DATABASE perdure")
        yield server.url("perdure")
    finally:
        server.stop()


def _say(text: str) -> None:
    print(f"cluster: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]) if sys.argv[1:] else _QUICKSTART))
