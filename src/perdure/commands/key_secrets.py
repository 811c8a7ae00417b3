"""Secrets of API keys: how they are made, known again, and shown.

A secret is `sk-admin-` or `sk-proj-`, 32 random bytes as 43 base-62 characters, and six characters
more, a checksum of all before them. So one that was mistyped is known without a look at the
database. Only the SHA-256 of a secret is stored: it has 256 random bits, so that nothing slower is
needed.
"""

import hashlib
import re
import secrets
import string
import zlib
from typing import Literal

KeyKind = Literal["admin", "project"]

PREFIXES: dict[KeyKind, str] = {"admin": "sk-admin-", "project": "sk-proj-"}
_BASE62 = string.digits + string.ascii_letters
_RANDOM_BYTES, _RANDOM_LENGTH = 32, 43
_CHECKSUM_LENGTH = 6
_FORM = re.compile(
    rf"(sk-(?:admin|proj)-[0-9A-Za-z]{{{_RANDOM_LENGTH}}})([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)
_SHOWN = 4


def new(kind: KeyKind) -> str:
    """Returns the secret of a new key."""
    number = int.from_bytes(secrets.token_bytes(_RANDOM_BYTES))
    body = PREFIXES[kind] + _base62(number, _RANDOM_LENGTH)
    return body + _checksum(body)


def is_wellformed(secret: str) -> bool:
    """Returns True if the text could be a secret that was made here: form and checksum fit."""
    match = _FORM.fullmatch(secret)
    return match is not None and _checksum(match[1]) == match[2]


def hash_of(secret: str) -> str:
    """Returns the SHA-256 of a secret, in hex."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def redacted(secret: str, kind: KeyKind) -> str:
    """Returns what may be shown of a secret: its prefix and its last four characters."""
    return f"{PREFIXES[kind]}...{secret[-_SHOWN:]}"


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_BASE62))
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))
