"""A server in a process of its own, with the scripted model, and a client that fills it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from tests.patience import PATIENCE_SECONDS, wait_until

_ANSWERS = re.compile(r"answers at (http://\S+)/v1")


class Site(NamedTuple):
    """A running server."""

    url: str
    key: str

    def call(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """Sends a request of a program, beside the browser."""
        headers = {"authorization": f"Bearer {self.key}", "openai-beta": "assistants=v2"}
        answer = httpx2.request(
            method,
            f"{self.url}/v1{path}",
            json=body,
            headers=headers,
            timeout=PATIENCE_SECONDS,
            **more,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def assistant(self, **fields: object) -> str:
        """Makes an assistant; its id."""
        body = {"model": "gpt-4o", "name": "Helper", **fields}
        return str(self.call("POST", "/assistants", body)["id"])

    def run(self, assistant: str, text: str, **fields: object) -> dict[str, Any]:
        """Makes a thread with a message, and a run on it that need not have ended."""
        thread = {"messages": [{"role": "user", "content": text}]}
        body = {"assistant_id": assistant, "thread": thread, **fields}
        run: dict[str, Any] = self.call("POST", "/threads/runs", body)
        return run


@contextmanager
def running(folder: Path, *, key: str = "any", **settings: str) -> Iterator[Site]:
    """Runs `perdure serve` until the end of the block. `key` is what a program sends."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("PERDURE_")
    }
    chosen = {f"PERDURE_{name.upper()}": value for name, value in settings.items()}
    log = folder / "log"
    command = (sys.executable, "-m", "perdure", "serve", "--port=0", f"--data-dir={folder}/data")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**inherited, "PERDURE_CODE_SPARE_SESSIONS": "0", **chosen},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: process.poll() is not None or _ANSWERS.search(log.read_text()))
        found = _ANSWERS.search(log.read_text())
        assert found is not None, log.read_text()
        yield Site(found[1], key)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
