"""`perdure doctor`: reports the configuration, and what is unreachable or missing.

It starts no server, and changes nothing unless contents are to be moved (`contents_move.py`).
`verify.py` checks the stored data.
"""

import asyncio
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import typer

from perdure import sandboxes, settings
from perdure.app import bucket_of
from perdure.cli import (
    cluster_checkup,
    contents_checkup,
    contents_move,
    keys_checkup,
    models_checkup,
    running_server,
    settings_checkup,
    verify,
)
from perdure.cli.address import url_of
from perdure.cli.findings import Finding, State, show
from perdure.clock import SystemClock
from perdure.commands.adjustments import LIFETIME_SECONDS
from perdure.errors import ConfigurationError
from perdure.retrieval import stems
from perdure.sandbox import checkup as sandbox_checkup
from perdure.sandbox.gateway import checkup as gateway_checkup
from perdure.sandbox.gateway.sandbox import GatewaySandbox
from perdure.settings import Settings
from perdure.settings.webhooks import WebhookSettings
from perdure.storage import checkup, connect_blobs
from perdure.tls import checkup as checkup_of_tls
from perdure.tls import trust
from perdure.webhooks import address_guard

_RENEW = "Renew it: the server takes the new files by itself."
_SHOWN = "Look for tls_not_renewed in its log; it takes new files within seconds."
_ALONE = "Let only its owner in: chmod 700 for the folder, 600 for the files perdure.db*."
# The most models whose adjustments are listed.
_MOST_LEARNT = 20
_TIMEOUT = aiohttp.ClientTimeout(total=2)


def doctor(flags: Mapping[str, object], *, check_data: bool, move_contents: bool = False) -> None:
    """Prints the findings; `flags` as in `settings.load`. Raises `typer.Exit` with code 1 where
    something is wrong.

    Without flags that choose the settings, a running server is asked for its configuration.
    """
    try:
        chosen = settings.load(**flags)
    except ConfigurationError as error:
        findings = [Finding(State.FAIL, "settings", str(error), "Correct it, then run this again.")]
    else:
        findings = _of_running_server(chosen, flags) or [
            *settings_checkup.findings(chosen, flags),
            *examine(chosen, itself=False),
        ]
        if move_contents:
            findings += contents_move.move(chosen)
        if check_data:
            findings += _verified(chosen)
    show(findings)
    if any(finding.state is State.FAIL for finding in findings):
        raise typer.Exit(1)


def examine(chosen: Settings, *, itself: bool) -> list[Finding]:
    """Returns the findings besides those of the settings themselves. `itself`: a server examines
    itself, and knows that it runs.
    """
    return [
        *(*_storage(chosen), *_certificate(chosen)),
        *([] if itself else [asyncio.run(_listener(chosen))]),
        *asyncio.run(_reached(chosen)),
        asyncio.run(_code_interpreter(chosen)),
    ]


def _of_running_server(chosen: Settings, flags: Mapping[str, object]) -> list[Finding] | None:
    """Returns the report of a running server, unless a flag asks for something else; None without a
    server.
    """
    if any(value is not None for name, value in flags.items() if name != "data_dir"):
        return None
    report = running_server.ask(chosen.data_dir)
    if report is None:
        return None
    text = f"Perdure {report.version} runs and answers at {report.url}; this is what it runs with"
    first = Finding(State.OK, "server", text)
    return [first, *report.findings, *running_server.differences(report, chosen)]


def _storage(chosen: Settings) -> Iterable[Finding]:
    yield _data_folder(chosen.data_dir)
    url = chosen.database_url.get_secret_value() if chosen.database_url else None
    try:
        seen = checkup.look(url, chosen.data_dir)
    except ConfigurationError as error:
        yield Finding(
            State.FAIL,
            "database",
            f"{chosen.database_label}: {error}",
            "Check that it runs, and that database_url is right."
            if url
            else "Restore the file from a back-up, or choose another data_dir.",
        )
        return
    text = f"{chosen.database_label}: {seen.text}"
    if seen.pending:
        yield Finding(
            State.WARN, "database", text, "The next `perdure serve` brings it up to date."
        )
    else:
        yield Finding(State.OK, "database", text)
    if chosen.webhooks or seen.waiting or seen.given_up:
        yield _deliveries(seen)
    yield from _learnt(seen)
    yield from _index(seen)
    if url:
        yield from cluster_checkup.findings(url, seen, lease_seconds=chosen.lease_seconds)
    yield from contents_checkup.findings(chosen, is_current=not seen.pending)
    yield keys_checkup.finding(chosen, is_current=not seen.pending)


def _learnt(seen: checkup.DatabaseReport) -> Iterable[Finding]:
    """Yields the fields that model servers refused, and are not sent any more."""
    since = SystemClock().now() - LIFETIME_SECONDS
    names: dict[tuple[str, str], list[str]] = {}
    for server, model, name, learnt_at in seen.learnt:
        if learnt_at > since:
            names.setdefault((server, model), []).append(name)
    for (server, model), known in list(names.items())[:_MOST_LEARNT]:
        text = f"{server} refused requests for {model}, which are made with: {'; '.join(known)}"
        yield Finding(State.OK, "learnt", text)
    if len(names) > _MOST_LEARNT:
        yield Finding(State.OK, "learnt", f"the same of {len(names) - _MOST_LEARNT} other models")


def _index(seen: checkup.DatabaseReport) -> Iterable[Finding]:
    """Yields how far the renewal of the index is, where there is something to renew."""
    whole = sum(chunks for *_, chunks in seen.indexed)
    ours = (stems.RULES, stems.STEMMER)
    outdated = sum(chunks for *rules, chunks in seen.indexed if tuple(rules) < ours)
    if outdated:
        text = (
            f"{whole - outdated:,} of {whole:,} chunks are indexed by the rules of this version; a "
            "running server renews the others, which are found as before until then"
        )
        yield Finding(State.OK, "index", text)


def _deliveries(seen: checkup.DatabaseReport) -> Finding:
    text = f"{seen.waiting} deliveries wait, {seen.given_up} were given up"
    if not seen.given_up:
        return Finding(State.OK, "webhooks", text)
    return Finding(
        State.WARN,
        "webhooks",
        text,
        "The log says why, in its lines webhook_given_up and webhook_silenced.",
    )


def _verified(chosen: Settings) -> list[Finding]:
    """Returns the findings of a check of all stored data (see `perdure/invariants`)."""
    if chosen.database_url is None and not (chosen.data_dir / "perdure.db").exists():
        return [Finding(State.OK, "verify", "there is no database yet")]
    findings: list[Finding] = []
    try:
        extent, found, unjudged = verify.verify(
            chosen, lambda text: findings.append(Finding(State.FAIL, "verify", text))
        )
    except ConfigurationError as error:
        return [Finding(State.FAIL, "verify", str(error), "Correct what stands above first.")]
    findings += [contents_checkup.unjudged(*each) for each in unjudged.items()]
    if not found:
        text = f"{verify.describe(extent)} with all that belongs to them are whole"
        return [*findings, Finding(State.OK, "verify", text)]
    remedy = "Keep a copy of the database, and report it: nothing should be able to cause this."
    text = f"{found} findings in {verify.describe(extent)}"
    return [*findings, Finding(State.FAIL, "verify", text, remedy)]


def _data_folder(folder: Path) -> Finding:
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        return Finding(State.FAIL, "data", f"{nearest} is not a folder", "Choose another data_dir.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        return Finding(
            State.FAIL,
            "data",
            f"the folder {nearest} is not writable for this user",
            "Change its owner or mode, or choose another data_dir.",
        )
    if others := checkup.exposure(folder):
        return Finding(State.WARN, "data", f"{folder} is writable, and {others}", _ALONE)
    text = f"{folder} is writable" if nearest == folder else f"{folder} will be made"
    return Finding(State.OK, "data", text)


def _certificate(chosen: Settings) -> Iterable[Finding]:
    if chosen.tls_cert is None or chosen.tls_key is None:
        return
    try:
        seen = checkup_of_tls.look(chosen.tls_cert, chosen.tls_key)
    except ConfigurationError as error:
        yield Finding(State.FAIL, "tls", str(error), "Correct tls_cert and tls_key.")
        return
    now = SystemClock().now()
    text = f"the certificate is for {', '.join(seen.names) or 'no name'}"
    if not seen.names:
        yield Finding(State.FAIL, "tls", text, "Clients want names in it (subjectAltName).")
    elif now < seen.begins_at:
        yield Finding(State.FAIL, "tls", f"{text}, and not good yet", "Check this machine's clock.")
    elif now >= seen.expires_at:
        yield Finding(State.FAIL, "tls", f"{text}, and expired on {seen.expiry}", _RENEW)
    elif seen.expires_at - now < checkup_of_tls.SOON_SECONDS:
        yield Finding(State.WARN, "tls", f"{text}, and expires on {seen.expiry}", _RENEW)
    else:
        yield Finding(State.OK, "tls", f"{text}, until {seen.expiry}")
    if others := checkup.exposure_of(chosen.tls_key):
        yield Finding(State.WARN, "tls", others, "Let only its owner read it: chmod 600.")


async def _code_interpreter(chosen: Settings) -> Finding:
    """Starts a real sandbox. A server runs without one, and refuses code."""
    if chosen.sandbox == "scripted":
        return Finding(
            State.WARN,
            "code",
            "code is not run: code_sandbox is scripted, which is for tests",
            "Set code_sandbox to auto for a server that people use.",
        )
    place = sandboxes.connect(chosen, warm=False)
    try:
        if isinstance(place, GatewaySandbox):
            return _gateway(place.url, await gateway_checkup.check(place))
        return Finding(State.OK, "code", await sandbox_checkup.check(place))
    except ConfigurationError as error:
        return Finding(
            State.WARN,
            "code",
            f"no code interpreter: {error}",
            "docs/operating.md says what it needs.",
        )
    finally:
        await place.close()


def _gateway(url: str, checked: gateway_checkup.Checked) -> Finding:
    text = f"the gateway {url} started a kernel in {checked.seconds:.1f} s"
    if not checked.doubts:
        return Finding(
            State.OK,
            "code",
            f"{text}; a probe in it found nothing open, but only the gateway can isolate it",
        )
    return Finding(
        State.WARN,
        "code",
        f"{text}, which does not isolate well: {'; '.join(checked.doubts)}",
        "docs/operating.md says what a gateway has to provide.",
    )


async def _reached(chosen: Settings) -> list[Finding]:
    """Returns the findings about everything outside of this process."""
    return [
        *await _bucket(chosen),
        *await models_checkup.findings(chosen),
        *[await _webhook(webhook, chosen) for webhook in chosen.webhooks],
    ]


async def _listener(chosen: Settings) -> Finding:
    url = url_of(chosen.host, chosen.port, tls=chosen.tls_cert is not None)
    try:
        trusted = trust.only(chosen.tls_cert) if chosen.tls_cert else True
    except ConfigurationError as error:
        return Finding(State.FAIL, "server", f"it cannot be looked for: {error}")
    connector = aiohttp.TCPConnector(ssl=trusted)
    async with aiohttp.ClientSession(timeout=_TIMEOUT, connector=connector) as session:
        try:
            async with session.get(f"{url}/health") as answer:
                if answer.status == 200:
                    return Finding(State.OK, "server", f"it runs and answers at {url}")
        except aiohttp.ClientConnectorCertificateError as error:
            why = f"what answers at {url} shows another certificate, or one that is not good now"
            return Finding(State.FAIL, "server", f"{why}: {error.certificate_error}", _SHOWN)
        except aiohttp.ClientSSLError:
            pass  # something answers, but not with TLS
        except (aiohttp.ClientConnectionError, TimeoutError):
            return Finding(State.OK, "server", f"it does not run: nothing answers at {url}")
        except aiohttp.ClientError:
            pass  # something answers, but not as a server of ours would
    return Finding(
        State.FAIL,
        "server",
        f"another program answers at {url}",
        "Stop it, or choose another port.",
    )


async def _bucket(chosen: Settings) -> list[Finding]:
    """Returns the finding about the bucket for contents, where there is one."""
    bucket = bucket_of(chosen)
    if bucket is None:
        return []
    stores = connect_blobs(bucket, chosen.data_dir)
    try:
        await stores.default.open(to_look=True)
    except ConfigurationError as error:
        return [Finding(State.FAIL, "contents", str(error), "Correct the settings blob_….")]
    await stores.default.close()
    return [Finding(State.OK, "contents", f"{bucket.url} can be reached")]


async def _webhook(webhook: WebhookSettings, chosen: Settings) -> Finding:
    """Resolves the target's host name and checks its addresses. Nothing is sent."""
    where = f"{webhook.name} ({webhook.where})"
    parts = urlsplit(webhook.url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    try:
        private = await address_guard.private_addresses(str(parts.hostname), port)
    except OSError:
        return Finding(
            State.WARN,
            "webhooks",
            f"{where}: the host name is not known",
            "Check its URL, and the name server of this machine.",
        )
    if private and not chosen.webhook_private_targets:
        return Finding(
            State.FAIL,
            "webhooks",
            f"{where} is refused: {', '.join(private)} is not public",
            "Choose another URL, or set webhook_private_targets to reach your own network.",
        )
    return Finding(State.OK, "webhooks", f"{where} hears of {', '.join(webhook.events)}")
