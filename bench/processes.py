"""The servers that are measured, each in a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import psutil

_ROOT = Path(__file__).parent.parent
# What is measured is the code of this folder, wherever another one may be installed.
_BESIDE = os.pathsep.join((str(_ROOT), str(_ROOT / "src")))
_PATIENCE_SECONDS = 300  # a profiler makes a start some fifty times as slow


class Server:
    """A running server, and what it has used."""

    def __init__(self, pid: int, url: str) -> None:
        self.pid = pid
        self.url = url
        self._process = psutil.Process(pid)

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the process since its start, all threads."""
        used = self._process.cpu_times()
        return used.user + used.system

    @property
    def memory_bytes(self) -> int:
        """Resident memory of the process."""
        return self._process.memory_info().rss


@contextmanager
def model_server() -> Iterator[Server]:
    """The fake model server."""
    port = _free_port()
    with _running("bench.model_server", str(port), port=port, answers="/v1/models") as server:
        yield server


@contextmanager
def relay(model: Server) -> Iterator[Server]:
    """The relay with FastAPI, pydantic and the openai SDK: one uvicorn process."""
    port = _free_port()
    arguments = ("bench.relay:app", "--port", str(port), "--no-access-log")
    environment = {"MODEL_URL": f"{model.url}/v1"}
    with _running(
        "uvicorn", *arguments, port=port, answers="/openapi.json", environment=environment
    ) as server:
        yield server


@contextmanager
def embedding_server() -> Iterator[Server]:
    """The small embedding model, on one core: searches take the other."""
    port = _free_port()
    cores = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with _running(
        "bench.embedding_server", str(port), port=port, answers="/health", environment=cores
    ) as server:
        yield server


@contextmanager
def perdure(
    model: Server | None,
    *,
    database_url: str | None = None,
    folder: str | None = None,
    settings: Mapping[str, str] | None = None,
    under: Sequence[str] = (),
) -> Iterator[Server]:
    """`perdure serve` as a user would start it, with a new data folder unless one is given.

    Without a model server, the scripted model answers. `under` is a command that runs the server,
    such as a profiler.
    """
    port = _free_port()
    database = ("--database-url", database_url) if database_url else ()
    answering = ("--model-base-url", f"{model.url}/v1") if model else ()
    set_ = {f"PERDURE_{name.upper()}": value for name, value in (settings or {}).items()}
    with (
        nullcontext(folder) if folder else TemporaryDirectory(prefix="perdure-bench-") as data,
        _running(
            *("perdure", "serve", "--port", str(port), "--data-dir", data),
            *answering,
            *database,
            port=port,
            answers="/health",
            environment=set_,
            under=under,
        ) as server,
    ):
        yield server


@contextmanager
def _running(
    module: str,
    *arguments: str,
    port: int,
    answers: str,
    environment: Mapping[str, str] | None = None,
    under: Sequence[str] = (),
) -> Iterator[Server]:
    """Runs a Python module as a server until the end of the block, then kills it."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PERDURE_", "OPENAI_"))}
    with TemporaryDirectory(prefix="perdure-bench-") as folder:
        log = Path(folder, "log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*under, sys.executable, "-m", module, *arguments],
                cwd=folder,  # where no perdure.toml is
                env={**inherited, "PYTHONPATH": _BESIDE, **(environment or {})},
                stdout=output,
                stderr=output,
            )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(process, url + answers, log)
            yield Server(process.pid, url)
        finally:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Waits until the URL answers."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            with urlopen(url, timeout=_PATIENCE_SECONDS):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{url} does not answer:\n{log.read_text()}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
