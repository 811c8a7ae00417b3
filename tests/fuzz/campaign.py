"""A server, its world, and everything that is sent to it."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.request import urlopen

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.cli.processes import PERDURE, clean, perdure
from tests.examples import UNTIMED
from tests.fuzz import raw
from tests.fuzz.client import Client
from tests.fuzz.operations import Ids, operations, requests
from tests.fuzz.world import World
from tests.patience import PATIENCE_SECONDS

T = TypeVar("T")

# Requests that do not end must not keep the campaign waiting.
_SETTINGS = {
    "PERDURE_PORT": "0",
    "PERDURE_HEAD_SECONDS": "0.2",
    "PERDURE_BODY_SILENCE_SECONDS": "0.2",
    "PERDURE_IDLE_CONNECTION_SECONDS": "0.5",
    "PERDURE_MAX_FILE_BYTES": "1000000",
    "PERDURE_RUN_LIFETIME_SECONDS": "30",
    "PERDURE_CODE_SPARE_SESSIONS": "0",
    "PERDURE_LOG_FORMAT": "json",
}
# Requests delete objects too.
_EACH_WORLD = 300


class Campaign:
    """Sends requests to one server, and counts them."""

    def __init__(self, client: Client, log: Path, environment: dict[str, str]) -> None:
        self.client = client
        self._log = log
        self._environment = environment
        self._ids: dict[str, list[str]] = {}
        self._built = 0

    @property
    def sent(self) -> int:
        return self.client.counts.total()

    def run(self, share: float, *, derandomized: bool) -> None:
        """Sends about `share` times ten thousand requests. Raises `AssertionError` with the
        smallest request that is answered as none may be.
        """
        each = max(1, round(100 * share))
        for operation in operations():
            strategy = requests(operation, self._known())
            self._send(strategy, each, self.client.send, derandomized)
        for make, more in (
            (lambda _: raw.framing(), 12),
            (raw.bodies, 18),
            (raw.forms, 8),
            (raw.ranges, 4),
            (raw.damaged, 6),
        ):
            self._send(make(self._known()), each * more, self.client.send_raw, derandomized)

    def check(self) -> None:
        """Raises `AssertionError` where the server said of itself that something broke, or where
        what it has stored is not whole.
        """
        said = self._log.read_text(encoding="utf-8", errors="replace")
        broken = [line for line in said.splitlines() if "Traceback" in line or "_broke" in line]
        if broken:
            raise AssertionError("\n".join(broken[:5]))
        found = perdure("doctor", "--verify", environment=self._environment)
        if found.returncode:
            raise AssertionError(found.stdout + found.stderr)

    def _known(self) -> Ids:
        """Ids of objects, most of which are there: what was deleted is made anew by and by."""
        if not self._ids or self.sent - self._built > _EACH_WORLD:
            world = World(self.client)
            world.build()
            self._ids, self._built = dict(world.ids), self.sent
        return self._ids

    def _send(
        self,
        strategy: st.SearchStrategy[T],
        count: int,
        send: Callable[[T], object],
        derandomized: bool,
    ) -> None:
        def each(request: T) -> None:
            send(request)

        settings(
            UNTIMED,
            max_examples=count,
            database=None,
            derandomize=derandomized,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        )(given(strategy)(each))()


_STARTED = re.compile(r'"url": "(http://[^/"]+)/v1".*"event": "server_started"')


@contextmanager
def campaign(folder: Path, database_url: str | None) -> Iterator[Campaign]:
    """A server in a process of its own, with nothing of anybody's."""
    log = folder / "log"
    database = {"PERDURE_DATABASE_URL": database_url} if database_url else {}
    environment = {**_SETTINGS, **database, "PERDURE_DATA_DIR": str(folder / "data")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*PERDURE, "serve"], stderr=output, cwd=folder, env=clean(environment)
        )
    try:
        with closing(Client(_port(process, log))) as client:
            yield Campaign(client, log, environment)
    finally:
        process.kill()
        process.wait()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    """Where the server answers, once it does."""
    until = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < until:
        found = _STARTED.search(log.read_text(encoding="utf-8"))
        if found:
            url = found[1]
            with urlopen(f"{url}/health", timeout=PATIENCE_SECONDS):
                return int(url.rpartition(":")[2])
        time.sleep(0.05)
    raise AssertionError(log.read_text(encoding="utf-8"))
