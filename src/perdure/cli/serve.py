"""`perdure serve`: the server, from its settings to its graceful end."""

import asyncio
import time

from rich.console import Console

import perdure
from perdure import sandbox, settings
from perdure.cli import logs, probe
from perdure.cli.server import Server, opened, run
from perdure.cli.terminal import line
from perdure.errors import ConfigurationError
from perdure.model_settings import SCRIPTED
from perdure.settings import Settings
from perdure.store import checkup
from perdure.tls import checkup as checkup_of_tls
from perdure.urls import without_password

_MODELS_SHOWN = 5


def serve(**flags: object) -> None:
    """Runs a server to its graceful end; `flags` as in `settings.load`."""
    chosen = settings.load(**flags)
    logs.configure(chosen)
    run(lambda: _serve(chosen))


async def _serve(chosen: Settings) -> None:
    async with opened(chosen, takes_signals=True) as server:
        welcome = asyncio.create_task(_welcome(server, chosen))
        try:
            await server.run_until_stopped()
        finally:
            welcome.cancel()


class _Banner:
    """What is said on stderr of a server that begins, a line for each thing."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)

    def title(self, said: str) -> None:
        self._console.print(line(said), style="bold green")

    def row(self, name: str, said: str) -> None:
        self._console.print(f"  {name:<9} {line(said)}")

    def warn(self, name: str, said: str) -> None:
        self._console.print(f"  {name:<9} {line(said)}", style="bold yellow")


async def _welcome(server: Server, chosen: Settings) -> None:
    """Says, once the server answers, what a user needs to know."""
    await server.ready.wait()
    banner = _Banner()
    banner.title(f"Perdure {perdure.__version__} answers at {server.url}/v1")
    for answer in await probe.ask_all(chosen.servers):
        _show_models(banner, answer)
    for alias, target in chosen.model_aliases.items():
        banner.row("Alias", f"{alias} is answered by {target}")
    _show_certificate(banner, chosen)
    banner.row("Database", chosen.database_label)
    banner.row("Data", str(chosen.data_dir))
    if others := checkup.exposure(chosen.data_dir):
        banner.warn("", f"is not for this user alone: {others}. chmod 700 keeps them out.")
    if server.app.database.is_full:
        banner.warn("Disk", "is full: nothing new is stored until there is room")
    if chosen.blob_url:
        banner.row("Contents", chosen.blob_url)
    await _show_code(banner, chosen)
    count = len(chosen.api_keys)
    keys = f"one of {count} must be sent" if count else "none needed: any key will do"
    banner.row("API keys", keys)
    banner.row("Stop", "Ctrl-C")


def _show_certificate(banner: _Banner, chosen: Settings) -> None:
    if chosen.tls_cert is None or chosen.tls_key is None:
        return
    try:
        seen = checkup_of_tls.look(chosen.tls_cert, chosen.tls_key)
    except ConfigurationError as error:
        banner.warn("TLS", str(error))
        return
    text = f"for {', '.join(seen.names) or 'no name'} until {seen.expiry}"
    if seen.expires_at - time.time() < checkup_of_tls.SOON_SECONDS:
        banner.warn("TLS", f"{text}: renew {chosen.tls_cert}")
    else:
        banner.row("TLS", text)


async def _show_code(banner: _Banner, chosen: Settings) -> None:
    place = sandbox.connect(chosen)
    try:
        banner.row("Code", f"is isolated by {await place.describe()}")
    except ConfigurationError as error:
        banner.warn("Code", f"cannot be run: code_interpreter will be refused. {error}")
    finally:
        await place.close()


def _show_models(banner: _Banner, answer: probe.Answer) -> None:
    server = answer.server
    if server.base_url == SCRIPTED:
        banner.row("Models", "the scripted model that is shipped with Perdure")
        banner.warn(
            "NO MODEL SERVER IS CONFIGURED:",
            "answers are canned. Name one with --model-base-url http://localhost:11434/v1, for "
            "example.",
        )
        return
    where = f"{server.name} ({without_password(server.base_url)})"
    if answer.problem:
        banner.warn(
            "Models",
            f"{where} cannot be used yet. {answer.problem} It may come later; runs that need it "
            "before then will fail.",
        )
        return
    more = len(answer.models) - _MODELS_SHOWN
    names = ", ".join(answer.models[:_MODELS_SHOWN]) or "no models"
    banner.row("Models", f"{where}: {names}{f' and {more} more' if more > 0 else ''}")
