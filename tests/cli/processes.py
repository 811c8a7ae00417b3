"""Real `perdure` processes, as a user's shell would start them."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from tests.cli.forked import Forked
from tests.patience import PATIENCE_SECONDS

PERDURE = (sys.executable, "-m", "perdure")
_LAST_LINE_OF_BANNER = "  Stop "
_LOG_LINE = re.compile(r"[\d-]+T[\d:.]+Z \[info +\] (\w+)(?: |$)")
_STARTED = '"event": "server_started"'


class Served:
    """A `perdure serve` that answers."""

    def __init__(self, process: Forked | subprocess.Popen[str], banner: str) -> None:
        self.process = process
        self.banner = banner
        last = banner.splitlines()[-1]
        is_json = last.startswith("{")
        self.base_url = (
            str(json.loads(last)["url"])
            if is_json
            else banner.partition("answers at ")[2].split()[0]
        )
        self.url = self.base_url.removesuffix("/v1")

    def health(self) -> tuple[int, bytes]:
        """What `/health` answers."""
        with urlopen(f"{self.url}/health", timeout=PATIENCE_SECONDS) as answer:
            return answer.status, answer.read()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Sends the signal; the exit code, and what was said on stderr since the banner."""
        self.process.send_signal(how)
        _, said = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.wait(), said

    def drain(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, list[str]]:
        """Stops it; the exit code, and what was logged since the banner."""
        code, said = self.stop(how)
        return code, logged(said)


def logged(said: str) -> list[str]:
    """The names of the lines of a log, in either format; of what is no such line, all of it."""
    names = []
    for line in said.splitlines():
        found = _LOG_LINE.match(line)
        is_json = line.startswith("{")
        names.append(json.loads(line)["event"] if is_json else found[1] if found else line)
    return names


def perdure(
    *arguments: str | Path,
    stdin: str = "",
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    process = Forked(list(map(str, arguments)), cwd=cwd, env=clean(environment))
    out, err = process.communicate(stdin, PATIENCE_SECONDS)
    return subprocess.CompletedProcess(arguments, process.wait(), out, err)


@contextmanager
def serving(
    data_dir: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    within: Sequence[str] = (),
) -> Iterator[Served]:
    """A server on a free port, killed at the end if it still runs; `within` is a command that runs
    the command behind it.
    """
    serve = ["serve", "--port", "0", "--data-dir", str(data_dir), *arguments]
    process: Forked | subprocess.Popen[str]
    if within:
        process = subprocess.Popen(
            [*within, *PERDURE, *serve],
            stderr=subprocess.PIPE,
            text=True,
            cwd=data_dir.parent,
            env=clean(environment),
        )
    else:
        process = Forked(serve, cwd=data_dir.parent, env=clean(environment), stdin=0, stdout=1)
    try:
        yield Served(process, _banner(process))
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def clean(environment: Mapping[str, str] | None) -> dict[str, str]:
    """The environment of a user who has set nothing but this."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PERDURE_", "OPENAI_", "OTEL_"))
    }
    return {**inherited, **(environment or {})}


def _banner(process: Forked | subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if line.startswith(_LAST_LINE_OF_BANNER) or _STARTED in line:
            return said
    raise AssertionError(f"the server ended before it answered:\n{said}")
