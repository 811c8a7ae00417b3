"""The model server of `server.py` as a fixture: its own process, on a free port."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]


class ModelServer:
    """A running model server."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.base_url = f"{self.origin}/v1"

    def seen(self) -> list[dict[str, object]]:
        """The requests for answers and embeddings: path, headers, body, peer port."""
        requests: list[dict[str, object]] = self._asked("/_seen")["requests"]  # type: ignore[assignment]
        return requests

    def bodies(self) -> list[dict[str, object]]:
        """The bodies of these requests."""
        return [request["body"] for request in self.seen()]  # type: ignore[misc]

    def bodies_for(self, model: str) -> list[dict[str, object]]:
        """The bodies of those for this model."""
        asked = self._asked(f"/_seen?{urlencode({'model': model})}")
        return [request["body"] for request in asked["requests"]]  # type: ignore[attr-defined]

    def listed(self) -> int:
        """How often the models were listed."""
        return int(str(self._asked("/_seen")["listed"]))

    def wait_asked(self, count: int) -> None:
        """Waits until there were so many requests for answers."""
        self._asked(f"/_asked?count={count}")

    def wait_aborted(self, count: int) -> None:
        """Waits until so many requests were given up by their client."""
        self._asked(f"/_aborted?count={count}")

    def reset(self) -> None:
        with urlopen(Request(f"{self.origin}/_reset", method="POST"), timeout=PATIENCE_SECONDS):
            pass

    def _asked(self, path: str) -> dict[str, object]:
        with urlopen(f"{self.origin}{path}", timeout=PATIENCE_SECONDS) as answer:
            document: dict[str, object] = json.load(answer)
            return document


@contextmanager
def _running(module: str) -> Iterator[ModelServer]:
    """A process of this module; it ends when its input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.model_servers.{module}"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            yield ModelServer(int(process.stdout.readline()))
        finally:
            process.kill()


@pytest.fixture(scope="session")
def model_server_process() -> Iterator[ModelServer]:
    """One process for the session."""
    with _running("server") as server:
        yield server


@pytest.fixture(scope="session")
def ollama() -> Iterator[ModelServer]:
    """A server like Ollama, one process for the session; it keeps what it has loaded."""
    with _running("ollama") as server:
        yield server


@pytest.fixture
def model_server(model_server_process: ModelServer) -> ModelServer:
    """The model server, which has seen nothing yet."""
    model_server_process.reset()
    return model_server_process
