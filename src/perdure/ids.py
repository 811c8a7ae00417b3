"""Ids: a fixed prefix and a random body (spec 01 §1).

The body is opaque to clients. Order never comes from an id: rows carry a sequence number.
"""

import secrets
import string

_BASE62 = (string.digits + string.ascii_letters).encode()
_LENGTH = 24
_FILE_LENGTH = 22

# Maps a random byte to a base-62 character. 256 is not a multiple of 62, which makes eight
# characters a little likelier: 24 of them still carry more than 140 bits.
_TO_BASE62 = bytes(_BASE62[byte % len(_BASE62)] for byte in range(256))

ASSISTANT = "asst"
THREAD = "thread"
MESSAGE = "msg"
RUN = "run"
STEP = "step"
CALL = "call"
VECTOR_STORE = "vs"
FILE_BATCH = "vsfb"
FILE = "file"
UPLOAD = "upload"
PART = "part"
BLOB = "blob"
EVENT = "evt"
PROJECT = "proj"
SERVICE_ACCOUNT = "svc_acct"
API_KEY = "key"
AUDIT_LOG = "audit_log"


def new(prefix: str) -> str:
    """Returns a new id such as `run_9Xk…`: the prefix, an underscore, 24 base-62 characters."""
    return f"{prefix}_{_base62(_LENGTH)}"


def new_file() -> str:
    """Returns a new file's id: `file-` (a hyphen) and 22 base-62 characters."""
    return f"{FILE}-{_base62(_FILE_LENGTH)}"


def new_hex(prefix: str) -> str:
    """Returns a new id such as `vs_6a1f…`: the prefix, an underscore, 32 hex characters."""
    return f"{prefix}_{secrets.token_hex(16)}"


def new_request_id() -> str:
    """Returns the id of one HTTP request: `req_` and 32 hex characters."""
    return new_hex("req")


def is_possible(object_id: str) -> bool:
    """Returns True if there could be an object of this id. PostgreSQL cannot even be asked for an
    id with a zero byte.
    """
    return "\0" not in object_id


def _base62(length: int) -> str:
    return secrets.token_bytes(length).translate(_TO_BASE62).decode()
