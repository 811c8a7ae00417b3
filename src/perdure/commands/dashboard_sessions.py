"""Rules for the sessions of the dashboard: a browser gives an API key once, and then shows a random
secret in its place. Only hashes are stored.
"""

import secrets
from typing import NamedTuple

from perdure.commands import key_secrets
from perdure.storage.database import Transaction

_RANDOM_BYTES = 32


class SignedIn(NamedTuple):
    """The key that a session stands for: the id of a stored one, or the hash by which a key of the
    settings is known in this session (`settings_key_hash`).
    """

    key_id: str | None
    settings_key: str | None


def new_secret() -> str:
    """Returns the secret of a new session."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def settings_key_hash(secret: str, key_hash: str) -> str:
    """Returns the hash by which a session knows a key of the settings. People choose such keys, and
    may choose them badly: without the secret of the session none can be found by trying.
    """
    return key_secrets.hash_of(f"{secret}:{key_hash}")


def begin(tx: Transaction, secret: str, key: SignedIn, *, now: int, lifetime: int) -> None:
    """Adds a session, and removes those that have ended."""
    tx.run("dashboard_sessions.forget", now=now)
    tx.run(
        "dashboard_sessions.insert",
        hash=key_secrets.hash_of(secret),
        key_id=key.key_id,
        settings_key=key.settings_key,
        now=now,
        expires_at=now + lifetime,
    )


def find(tx: Transaction, secret: str, *, now: int) -> SignedIn | None:
    """Returns the key of the session with this secret; None if there is none, or it has ended."""
    row = tx.one("dashboard_sessions.find", hash=key_secrets.hash_of(secret), now=now)
    return SignedIn(row["key_id"], row["settings_key"]) if row else None


def end(tx: Transaction, secret: str) -> None:
    """Ends a session, if there is one."""
    tx.run("dashboard_sessions.delete", hash=key_secrets.hash_of(secret))
