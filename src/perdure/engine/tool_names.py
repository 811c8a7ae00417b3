"""The tool that a model means by the name it has written.

Models leave remains of their chat template in names: `file_search<|channel|>commentary`,
`functions.get_weather`, `<tool_call>get_weather`.
"""

import re
from collections.abc import Set

# A special token: closed, or cut off at the end of the name.
_TOKEN = re.compile(r"<[^<>]*(?:>|$)")
# What stands before the name and behind it in functions.get_weather:0
_NAMESPACE = re.compile(r"^(?:[\w-]+[.:/])+")
_NUMBER = re.compile(r":\d+$")
_AROUND = " \t\r\n\"'`()[]{}:;,."


def offered(written: str, names: Set[str]) -> str | None:
    """The one of these names that was written, with or without debris; None if none was."""
    if written in names:
        return written
    for part in _TOKEN.split(written):
        bare = part.strip(_AROUND)
        alone = _NUMBER.sub("", bare)
        for candidate in (bare, alone, _NAMESPACE.sub("", alone)):
            if candidate in names:
                return candidate
    return None
