"""The report of a running server for the doctor on its machine.

The server writes a random token into a file of its data folder that only its own user can read. A
client that shows the token gets what `perdure doctor` would print with the server's own flags and
environment, without secrets. A connection from this machine proves nothing: it may come from a
proxy.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

import perdure
from perdure.api.self_report import HEADER, PATH, SelfReport
from perdure.app import Perdure
from perdure.cli import settings_checkup
from perdure.cli.findings import Finding, State
from perdure.errors import ConfigurationError
from perdure.settings import Settings
from perdure.tls import trust

_FILE = "running.json"
_MOST_FILE_BYTES = 64 * 1024
# The doctor starts a sandbox, and asks each model server.
_SECONDS, _CONNECT_SECONDS = 120, 2


class _Found(msgspec.Struct, frozen=True):
    """The content of the file: the server's URL, and the token to show it."""

    url: str
    token: str
    cert: str | None = None


class RunningServerReport(msgspec.Struct, frozen=True):
    """The report of a server: its settings that are not the default, as they may be printed, and
    its findings.
    """

    version: str
    url: str
    settings: dict[str, str]
    findings: list[Finding]


@contextmanager
def publish_report(
    app: Perdure, url: str, flags: Mapping[str, object], examine: Callable[[], list[Finding]]
) -> Iterator[None]:
    """Lets the doctor find the server while the block runs. `examine` makes the findings of the
    report, in a thread of its own. A folder that cannot be written to does not stop the server.
    """
    chosen = app.settings
    token = secrets.token_urlsafe(32)
    shown = _values(chosen, flags)

    async def make() -> bytes:
        found = await asyncio.to_thread(examine)
        return msgspec.json.encode(RunningServerReport(perdure.__version__, url, shown, found))

    app.application.state.self_report = SelfReport(token, make)
    path = chosen.data_dir / _FILE
    cert = str(chosen.tls_cert.absolute()) if chosen.tls_cert else None
    with contextlib.suppress(OSError):
        _write(path, msgspec.json.encode(_Found(url, token, cert)))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if _token_in(path) == token:
                path.unlink()


def ask(data_dir: Path) -> RunningServerReport | None:
    """Returns the report of the server that uses this data folder; None where none answers."""
    found = _read(data_dir / _FILE)
    return None if found is None else asyncio.run(_ask(found))


def differences(report: RunningServerReport, chosen: Settings) -> Iterator[Finding]:
    """Yields the settings that differ between this process and the server, which takes its settings
    when it starts.
    """
    for name, here, where in settings_checkup.overrides(chosen, {}):
        there = report.settings.get(name)
        if here != there:
            yield Finding(
                State.WARN,
                "settings",
                f"{name} = {here} from {where}, and the running server has "
                f"{'its default' if there is None else there}",
                "Restart it to let it take this, or leave it as it is.",
            )


async def _ask(found: _Found) -> RunningServerReport | None:
    import aiohttp  # a server needs none of it

    timeout = aiohttp.ClientTimeout(total=_SECONDS, connect=_CONNECT_SECONDS)
    try:
        trusted = trust.only(Path(found.cert)) if found.cert else True
        connector = aiohttp.TCPConnector(ssl=trusted)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
            session.get(
                f"{found.url}{PATH}", headers={HEADER: found.token}, allow_redirects=False
            ) as answer,
        ):
            if answer.status != 200:
                return None
            return msgspec.json.decode(await answer.read(), type=RunningServerReport)
    except (aiohttp.ClientError, TimeoutError, ConfigurationError, msgspec.MsgspecError):
        return None


def _values(chosen: Settings, flags: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value, _ in settings_checkup.overrides(chosen, flags)}


def _write(path: Path, content: bytes) -> None:
    """Writes a file that only this user can read, whole or not at all."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    new.replace(path)


def _read(path: Path) -> _Found | None:
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_MOST_FILE_BYTES), type=_Found)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _token_in(path: Path) -> str | None:
    found = _read(path)
    return found.token if found else None
