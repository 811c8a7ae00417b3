"""`perdure serve`: the server, from its settings to its graceful end."""

import asyncio

from rich.console import Console

import perdure
from perdure import sandbox, settings
from perdure.cli import logs, probe
from perdure.cli.server import Server, opened, run
from perdure.errors import ConfigurationError
from perdure.model_settings import SCRIPTED
from perdure.settings import Settings, without_password

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


async def _welcome(server: Server, chosen: Settings) -> None:
    """Says on stderr, once the server answers, what a user needs to know."""
    await server.ready.wait()
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    console.print(f"Perdure {perdure.__version__} answers at {server.url}/v1", style="bold green")
    for answer in await probe.ask_all(chosen.servers):
        _print_models(console, answer)
    for alias, target in chosen.model_aliases.items():
        console.print(f"  Alias     {alias} is answered by {target}")
    console.print(f"  Database  {chosen.database_label}")
    console.print(f"  Data      {chosen.data_dir}")
    if server.app.database.is_full:
        console.print(
            "  THE DISK OF THE DATA FOLDER IS FULL: nothing new is stored until there is room.",
            style="bold yellow",
        )
    if chosen.blob_url:
        console.print(f"  Contents  {chosen.blob_url}")
    await _print_code(console, chosen)
    count = len(chosen.api_keys)
    keys = f"one of {count} must be sent" if count else "none needed: any key will do"
    console.print(f"  API keys  {keys}")
    console.print("  Stop      Ctrl-C")


async def _print_code(console: Console, chosen: Settings) -> None:
    place = sandbox.connect(chosen)
    try:
        console.print(f"  Code      is isolated by {await place.describe()}")
    except ConfigurationError as error:
        console.print(
            f"  Code      cannot be run: code_interpreter will be refused. {error}",
            style="bold yellow",
        )
    finally:
        await place.close()


def _print_models(console: Console, answer: probe.Answer) -> None:
    server = answer.server
    if server.base_url == SCRIPTED:
        console.print("  Models    the scripted model that is shipped with Perdure")
        console.print(
            "  NO MODEL SERVER IS CONFIGURED: answers are canned. "
            "Name one with --model-base-url http://localhost:11434/v1, for example.",
            style="bold yellow",
        )
        return
    where = f"{server.name} ({without_password(server.base_url)})"
    if answer.problem:
        console.print(
            f"  Models    {where} cannot be used yet. {answer.problem} "
            "It may come later; runs that need it before then will fail.",
            style="bold yellow",
        )
        return
    more = len(answer.models) - _MODELS_SHOWN
    names = ", ".join(answer.models[:_MODELS_SHOWN]) or "no models"
    console.print(f"  Models    {where}: {names}{f' and {more} more' if more > 0 else ''}")
