"""The server of a test of SDKs. With `--cluster` it is two on a PostgreSQL, behind a proxy.

`make test ARGS="tests/sdk_node tests/sdk_azure tests/sdk_python --cluster"` so runs the same
programs against a cluster: each request goes to the next server.
"""

import asyncio
import signal
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from perdure.tls.self_signed import Made
from tests.cli.processes import serving
from tests.cluster.proxy import RoundRobin
from tests.databases import PostgresServer
from tests.durability.nodes import Node, killed
from tests.patience import PATIENCE_SECONDS

_NAMES = ("a", "b")
# Code that the scripted model writes within a twentieth of a second is one delta at another server.
_JOINED = ("code is streamed while it is written", "code.length > 10")


@contextmanager
def served(
    request: pytest.FixtureRequest,
    folder: Path,
    environment: Mapping[str, str],
    *,
    tls: Made | None = None,
) -> Iterator[str]:
    """The URL of what answers; it ends in good order. `tls` has the files that it shows."""
    if not request.config.getoption("--cluster"):
        shown = _tls_settings(tls) if tls else {}
        with serving(folder / "data", environment={**environment, **shown}) as server:
            yield server.url
            assert server.stop()[0] == 0
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    database = postgres.lend()
    try:
        flags = ("--database-url", postgres.url(database))
        # As their users have them, and not with the short leases of tests that kill.
        settings = {"PERDURE_LEASE_SECONDS": "10", "PERDURE_DRAIN_SECONDS": "10", **environment}
        nodes = [Node(folder / name, *flags, environment=settings) for name in _NAMES]
        with killed(nodes), _proxy(nodes, tls) as proxy:
            yield proxy.url
        assert min(proxy.shares.values()) > 0
    finally:
        postgres.take_back(database)


def is_joined(wrong: str | None) -> bool:
    """Returns True if a program misses no more than that code came in many deltas."""
    return wrong is not None and any(each in wrong for each in _JOINED)


def skip_joined(request: pytest.FixtureRequest, wrong: str | None) -> None:
    """Skips a test of a cluster that misses no more than that."""
    if request.config.getoption("--cluster") and is_joined(wrong):
        pytest.skip("the deltas of code were joined on their way to another server")


def _tls_settings(tls: Made) -> dict[str, str]:
    return {"PERDURE_TLS_CERT": str(tls.cert), "PERDURE_TLS_KEY": str(tls.key)}


@contextmanager
def _proxy(nodes: Sequence[Node], tls: Made | None) -> Iterator[RoundRobin]:
    """Started servers and a proxy before them, in a thread of its own."""
    shown = None
    if tls is not None:
        shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        shown.load_cert_chain(tls.cert, tls.key)
    proxy = RoundRobin([node.url.removesuffix("/v1") for node in nodes])
    ready, ending = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def start() -> None:
        await asyncio.gather(*(node.start() for node in nodes))

    async def end() -> list[int]:
        return await asyncio.gather(*(node.end(signal.SIGTERM) for node in nodes))

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        async with proxy.running(tls=shown):
            ready.set()
            await ending.wait()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, start()).result()
        running = thread.submit(asyncio.run, run())
        assert ready.wait(PATIENCE_SECONDS)
        try:
            yield proxy
        finally:
            loops[0].call_soon_threadsafe(ending.set)
            running.result(PATIENCE_SECONDS)
        assert thread.submit(asyncio.run, end()).result() == [0] * len(nodes)
