"""`perdure import azure` and `perdure import url`: fetch all objects of a live server into a
folder, which is imported then.
"""

import asyncio
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from perdure import urls
from perdure.cli.progress import LineProgress
from perdure.cli.terminal import line, tell
from perdure.clock import SystemClock
from perdure.errors import ConfigurationError
from perdure.exchange.fetched_folder import FetchedFolder
from perdure.exchange.fetcher import Fetcher, thread_ids_in
from perdure.exchange.remote_server import FetchFailed, RemoteServer

SOURCES = ("azure", "url")
_API_VERSION = "v1"
_TOKEN_SECONDS = 120.0
_SHOWN = 20


class FetchRequest(NamedTuple):
    """A request to fetch. `state` is the folder that takes what is fetched."""

    source: str
    base_url: str | None
    api_key: str | None
    token_command: str | None
    thread_ids: Path | None
    state: Path


def fetch(asked: FetchRequest) -> Path:
    """Fetches all objects, or goes on with it. Returns the folder, which is an archive then.

    Raises `ConfigurationError`.
    """
    if asked.base_url is None:
        flag = "--endpoint" if asked.source == "azure" else "--base-url"
        raise ConfigurationError(f"perdure import {asked.source} needs {flag}.")
    _check_url(asked.base_url)
    if asked.token_command is None and asked.api_key is None:
        raise ConfigurationError("Name a key with --api-key, or --token-command for a token.")
    ids = thread_ids_in(asked.thread_ids) if asked.thread_ids else None
    try:
        asyncio.run(_fetch(asked, asked.base_url, ids))
    except FetchFailed as error:
        hint = ""
        if ids is None and error.status in (404, 405) and "/threads" in str(error):
            hint = " This server lists no threads: name a file with their ids, --thread-ids."
        raise ConfigurationError(
            f"{line(str(error))}{hint} Start the same command again, and it goes on."
        ) from None
    return asked.state


def _check_url(url: str) -> None:
    try:
        found = urls.split(url)
    except ValueError as error:
        raise ConfigurationError(f"The URL of the server is wrong: {error}.") from None
    if found.scheme not in ("http", "https") or not found.netloc or "@" in found.netloc:
        raise ConfigurationError("The URL of the server begins with https:// and holds no user.")


async def _fetch(asked: FetchRequest, base_url: str, ids: list[str] | None) -> None:
    is_azure = asked.source == "azure"
    base = base_url.rstrip("/")
    if not is_azure:
        base = base.removesuffix("/v1") + "/v1"
    query = {"api-version": _API_VERSION} if is_azure else {}
    with FetchedFolder(asked.state, base) as folder, LineProgress("Fetching") as shown:
        async with RemoteServer(base, _Keys(asked), query) as server:
            fetcher = Fetcher(server, folder, lambda _: shown.add(1))
            await fetcher.run(ids)
        folder.complete(now=int(SystemClock().now()))
    if fetcher.missing:
        some = ", ".join(line(each) for each in fetcher.missing[:_SHOWN])
        tell(f"{len(fetcher.missing):,} contents and threads are not given out: {some}.")


class _Keys:
    """The headers with a key, or with the token that a command prints."""

    def __init__(self, asked: FetchRequest) -> None:
        self._asked = asked
        self._token: str | None = None
        self._lock = asyncio.Lock()

    async def __call__(self, renewed: bool) -> Mapping[str, str]:
        headers = {} if self._asked.source == "azure" else {"OpenAI-Beta": "assistants=v2"}
        if self._asked.token_command is None:
            return {**headers, "Authorization": f"Bearer {self._asked.api_key}"}
        was = self._token
        async with self._lock:
            # Of several that were refused, the first renews it.
            if self._token is None or (renewed and self._token == was):
                self._token = await _token_of(self._asked.token_command)
        return {**headers, "Authorization": f"Bearer {self._token}"}


async def _token_of(command: str) -> str:
    """Returns what a command prints. Neither is shown where it fails."""
    try:
        process = await asyncio.create_subprocess_exec(
            *shlex.split(command), stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(_TOKEN_SECONDS):
            out, _ = await process.communicate()
    except (OSError, ValueError, TimeoutError) as error:
        why = type(error).__name__
        raise ConfigurationError(f"The command of --token-command failed: {why}.") from None
    token = out.decode(errors="replace").strip()
    if process.returncode or not token.isascii() or not token.isprintable() or not token:
        raise ConfigurationError(
            f"The command of --token-command printed no token (exit code {process.returncode})."
        )
    return token
