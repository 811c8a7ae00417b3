"""Measures search: `python -m bench.retrieval` for all but the largest store, in ten minutes, with
`questions` about documents that pip fetches;
`python -m bench.retrieval million` for that one, which takes as long and 5 GB of disk.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.databases import NoServer, PostgresServer

from bench import question_quality, retrieval_quality, retrieval_scale
from bench.report import Machine, Row, table
from bench.retrieval_scale import Size

_SIZES = {
    "small": [Size(1_000, 1), Size(1, 1_000), Size(1, 10_000, chunks=10)],
    "million": [Size(1, 10_000)],
}


async def main(asked: set[str]) -> None:
    """Runs what is asked for: `questions`, `quality`, `small`, `million`; without a word all but
    the last.
    """
    machine = Machine()
    asked = asked or {"questions", "quality", "small"}
    rows: list[Row] = []
    with _postgres() as server:
        if "questions" in asked:
            rows += await question_quality.measure(_databases(server, "questions"))
        if "quality" in asked:
            rows += await retrieval_quality.measure(_databases(server, "quality"))
        for name, sizes in _SIZES.items():
            for place, size in enumerate(sizes):
                if name in asked:
                    databases = _databases(server, f"{name}_{place}")
                    rows += await retrieval_scale.measure(databases, [size])
    print(table(rows))
    print()
    print(machine.described())


def _databases(server: PostgresServer | None, name: str) -> dict[str, str | None]:
    if server is None:
        return {"SQLite": None}
    server.execute(f"CREATE DATABASE {name}")
    return {"SQLite": None, "PostgreSQL, fsync off": server.url(name)}


@contextmanager
def _postgres() -> Iterator[PostgresServer | None]:
    """The tests' PostgreSQL, which does not wait for the disk; None where none can be started."""
    try:
        server = PostgresServer()
    except NoServer as error:
        print(f"bench: without PostgreSQL: {error}", file=sys.stderr)
        yield None
        return
    try:
        server.start()
        yield server
    finally:
        server.stop()


if __name__ == "__main__":
    asyncio.run(main(set(sys.argv[1:])))
