"""`make fuzz`: some ten thousand requests to a server on each database.

    python -m tests.fuzz [SHARE]

SHARE is how many times ten thousand there are, 1 by default. It ends with the smallest request that
was answered as none may be, if there was any.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.databases import NoServer, PostgresServer
from tests.fuzz.campaign import campaign


def main(share: float) -> None:
    with _databases() as databases:
        for name, url in databases.items():
            with TemporaryDirectory(prefix="perdure-fuzz-") as folder:
                _fuzz(name, url, Path(folder), share)


def _fuzz(name: str, url: str | None, folder: Path, share: float) -> None:
    with campaign(folder, url) as sending:
        try:
            sending.run(share, derandomized=False)
            sending.check()
        finally:
            counts = sorted(sending.client.counts.items())
            said = ", ".join(f"{count} of {status}" for status, count in counts)
            print(f"{name}: {sending.sent} answers: {said}")


@contextmanager
def _databases() -> Iterator[dict[str, str | None]]:
    databases: dict[str, str | None] = {"SQLite": None}
    try:
        server = PostgresServer()
    except NoServer as error:
        print(f"PostgreSQL is left out: {error}", file=sys.stderr)
        yield databases
        return
    try:
        server.start()
        server.execute("CREATE DATABASE fuzzed")
        yield databases | {"PostgreSQL": server.url("fuzzed")}
    finally:
        server.stop()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
