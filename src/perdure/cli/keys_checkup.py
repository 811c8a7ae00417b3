"""Findings about API keys, for `perdure doctor`."""

from perdure import storage
from perdure.cli.findings import Finding, State
from perdure.clock import SystemClock
from perdure.commands import api_keys
from perdure.commands.api_keys import KeySnapshot
from perdure.errors import ConfigurationError
from perdure.settings import Settings, is_loopback


def finding(chosen: Settings, *, is_current: bool) -> Finding:
    """Returns which keys there are, and whether they are what the server needs to start.
    `is_current`: the database has the schema of this version.
    """
    exists = chosen.database_url is not None or (chosen.data_dir / "perdure.db").exists()
    stored: KeySnapshot | None = None
    if is_current and exists:
        url = chosen.database_url.get_secret_value() if chosen.database_url else None
        try:
            with storage.snapshot(url, chosen.data_dir) as tx:
                stored = api_keys.snapshot(tx, None)
        except ConfigurationError as error:
            return Finding(State.FAIL, "keys", str(error))
    now = int(SystemClock().now())
    keys = stored.keys.values() if stored else ()
    good = [key for key in keys if key.expires_at is None or key.expires_at > now]
    admins = sum(key.project is None for key in good) + bool(chosen.admin_key)
    of_projects = len(good) - sum(key.project is None for key in good) + len(chosen.api_keys)
    text = f"{of_projects} of projects, {admins} of admins"
    if is_loopback(chosen.host) and not chosen.api_keys:
        if not (stored and stored.has_project_keys):
            return Finding(State.OK, "keys", f"{text}; programs on this machine need none")
    elif not (of_projects or admins):
        where = chosen.host or "every address"
        return Finding(
            State.FAIL,
            "keys",
            f"Perdure refuses to start without API keys on {where}, which other machines can reach",
            "Set api_keys or admin_key, make a key with perdure keys create, or listen on "
            "127.0.0.1.",
        )
    return Finding(State.OK, "keys", f"{text}; every request needs one that is known")
