"""`perdure serve`: the server, from its settings to its graceful end."""

import asyncio
import time
from collections.abc import Mapping

from perdure import sandboxes, settings
from perdure.cli import (
    banners,
    contents_checkup,
    logs,
    models_checkup,
    probe,
    running_server,
    settings_checkup,
)
from perdure.cli.banners import Banner
from perdure.cli.findings import Finding
from perdure.cli.server import RunningServer, open_server, run
from perdure.errors import ConfigurationError
from perdure.settings import Settings
from perdure.settings.models import SCRIPTED
from perdure.storage import checkup
from perdure.tls import checkup as checkup_of_tls
from perdure.urls import without_password

_MODELS_SHOWN = 5


def serve(**flags: object) -> None:
    """Runs a server to its graceful end; `flags` as in `settings.load`."""
    chosen = settings.load(**flags)
    logs.configure(chosen)
    run(lambda: _serve(chosen, flags))


async def _serve(chosen: Settings, flags: Mapping[str, object]) -> None:
    # Now: a settings file may have changed when the doctor asks.
    found = settings_checkup.findings(chosen, flags)

    def examine() -> list[Finding]:
        from perdure.cli import doctor  # only if it is asked for

        return [*found, *doctor.examine(chosen, itself=True)]

    async with open_server(chosen, takes_signals=True) as server:
        with running_server.publish_report(server.app, server.url, flags, examine):
            welcome = asyncio.create_task(_welcome(server, chosen))
            try:
                await server.run_until_stopped()
            finally:
                welcome.cancel()


async def _welcome(server: RunningServer, chosen: Settings) -> None:
    """Prints the facts that a user needs, once the server answers."""
    await server.ready.wait()
    banner = banners.begin(server.url, as_json=chosen.log_format == "json")
    answers = await probe.ask_all(chosen.servers)
    for answer in answers:
        _show_models(banner, answer)
    for alias, target in chosen.model_aliases.items():
        banner.row("Alias", f"{alias} is answered by {target}")
    if chosen.default_model:
        banner.row("Default", f"{chosen.default_model} answers for names that no server lists")
    if names := models_checkup.unserved_names(chosen, server.app.provider, answers):
        said = f"programs that ask for {', '.join(names)} fail here."
        banner.warn("Names", f"{said} {models_checkup.advice(answers)}")
    _show_certificate(banner, chosen)
    banner.row("Database", chosen.database_label)
    banner.row("Data", str(chosen.data_dir))
    if others := checkup.exposure(chosen.data_dir):
        banner.warn("", f"is not for this user alone: {others}. chmod 700 keeps them out.")
    if server.app.database.is_full:
        banner.warn("Disk", "is full: nothing new is stored until there is room")
    banner.row("Contents", f"new ones go to {chosen.contents_label}")
    for problem in await contents_checkup.problems_of(server.app):
        banner.warn("", problem)
    await _show_code(banner, chosen)
    known = server.app.keys
    needed = f"one of {known.total} must be sent"
    banner.row("API keys", needed if known.are_required else "none needed: any key will do")
    banner.end()


def _show_certificate(banner: Banner, chosen: Settings) -> None:
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


async def _show_code(banner: Banner, chosen: Settings) -> None:
    if chosen.sandbox == "scripted":
        banner.warn("Code", "is not run: code_sandbox is scripted, which is for tests")
        return
    place = sandboxes.connect(chosen)
    try:
        banner.row("Code", f"is isolated by {await place.describe()}")
    except ConfigurationError as error:
        banner.warn("Code", f"cannot be run: code_interpreter will be refused. {error}")
    finally:
        await place.close()


def _show_models(banner: Banner, answer: probe.ProbeResult) -> None:
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
