"""Differences in the responses to old SDKs (spec 04 §9, 07 §4), which are known by their
User-Agent.

No other module knows of versions of SDKs.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

# The name under which the event came before clients knew `thread.run.incomplete`.
_RENAMED = {"thread.run.incomplete": "thread.run.completed"}
_CLIENT = re.compile(r"(?:Async)?(?:Azure)?OpenAI/(?P<language>Python|JS) (?P<version>\d+\.\d+)")


class Dialect(NamedTuple):
    """The differences that a client needs.

    `renamed`: events that it knows by another name. `polls_on`: its polling helpers do not know the
    status `incomplete` and would poll for ever.
    """

    renamed: Mapping[str, str] = {}
    polls_on: bool = False


PLAIN = Dialect()
_OLD_NODE = Dialect(_RENAMED)
_OLD_PYTHON = Dialect(_RENAMED, polls_on=True)


def dialect(headers: Mapping[str, str]) -> Dialect:
    """Returns the dialect of the client that sent these headers; the plain one for an unknown
    client.
    """
    match = _CLIENT.match(headers.get("user-agent", ""))
    if match is None:
        return PLAIN
    major, minor = (int(part) for part in match["version"].split("."))
    if match["language"] == "JS":
        # 4.104 is the last 4.x, and as bad as the first
        return _OLD_NODE if major <= 4 else PLAIN
    # 1.26 is known to be bad and 1.54 to be good; both understand the old name
    return _OLD_PYTHON if (major, minor) < (1, 54) else PLAIN


def is_poll(headers: Mapping[str, str]) -> bool:
    """Returns True if the request comes from a polling helper of an SDK (spec 07 §4)."""
    return headers.get("x-stainless-poll-helper") == "true"
