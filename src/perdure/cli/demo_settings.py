"""Settings of a demo: none of the user's own server, data or keys, and no traffic off this machine
unless a flag asks for it.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from perdure.settings import Settings, is_loopback, only_with
from perdure.settings.webhooks import WebhookSettings
from perdure.tls import self_signed

# Settings of the environment that a demo obeys: what a test needs. All others it ignores: they name
# places, or keys of places, where a server keeps something, asks somebody, or is found.
OBEYED = frozenset(
    {
        *("answer_silence_seconds", "api_keys", "body_silence_seconds", "cite_unmarked"),
        *("code_disk_mib", "code_idle_seconds", "code_max_sessions", "code_memory_mib"),
        *("code_sandbox", "code_spare_sessions", "code_timeout_seconds", "connections_per_address"),
        *("context_windows", "cors_origins", "default_model", "drain_seconds"),
        *("event_retention_days", "head_seconds", "idle_connection_seconds"),
        *("keep_alive_seconds", "lease_seconds", "list_threads", "log_format", "log_level"),
        *("max_body_bytes", "max_concurrent_files", "max_concurrent_runs", "max_context_tokens"),
        *("max_file_bytes", "max_head_bytes", "max_held_bytes", "max_json_members"),
        *("max_queued_runs", "max_tool_rounds", "model_aliases", "model_idle_seconds"),
        *("model_patience_seconds",),
        *("poll_after_ms", "rewrite_model", "run_lifetime_seconds", "thinking", "webhooks"),
    }
)
# The key of a model server is used where a flag names the server.
_KEY = "model_api_key"
_QUIET = "warning"


def choose(folder: Path, flags: Mapping[str, object], *, tls: bool) -> Settings:
    """Returns the settings of a demo whose data is in the folder. Raises `ConfigurationError`.

    `flags` are those of the command line, None if not given.
    """
    values: dict[str, object] = {"port": 0, "data_dir": folder, "webhook_private_targets": True}
    values |= {name: value for name, value in flags.items() if value is not None}
    if tls:
        made = self_signed.make(folder / "tls", names=(), days=1, now=time.time())
        values |= {"tls_cert": made.cert, "tls_key": made.key}
    obeyed = OBEYED | ({_KEY} if "model_base_url" in values else set())
    found = only_with(obeyed, **values)
    values["webhooks"] = [each for each in found.webhooks if _stays_here(each)]
    if "log_level" not in found.model_fields_set:
        values["log_level"] = _QUIET
    return only_with(obeyed, **values)


def skipped_webhooks(settings: Settings) -> list[str]:
    """Returns the webhooks of the environment that a demo does not call, since they lead to other
    machines.
    """
    kept = {webhook.name for webhook in settings.webhooks}
    known = only_with({"webhooks"}).webhooks
    return [webhook.name for webhook in known if webhook.name not in kept]


def environment(url: str, settings: Settings) -> dict[str, str]:
    """Returns the environment variables by which a program finds this server, and no other."""
    keys = settings.api_keys
    key = keys[0].get_secret_value() if keys else "perdure-demo"
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    here = ",".join(filter(None, (known, "127.0.0.1", "localhost")))
    return {
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": key,
        "AZURE_OPENAI_ENDPOINT": url,
        "AZURE_OPENAI_API_KEY": key,
        "NO_PROXY": here,
        "no_proxy": here,
    }


def _stays_here(webhook: WebhookSettings) -> bool:
    return is_loopback(urlsplit(webhook.url).hostname or "")
