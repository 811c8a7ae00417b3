"""What can be set. `settings.py` has every setting, `sources.py` where its value comes from,
`display.py` how it is printed; the other files are groups and tables of settings.
"""

from perdure.settings.display import secrets, shown
from perdure.settings.settings import CONFIG_FILE, ENV_PREFIX, Settings, is_loopback
from perdure.settings.sources import (
    DEFAULT,
    files_read,
    load,
    only,
    only_with,
    origin,
    unknown_variables,
)

__all__ = [
    "CONFIG_FILE",
    "DEFAULT",
    "ENV_PREFIX",
    "Settings",
    "files_read",
    "is_loopback",
    "load",
    "only",
    "only_with",
    "origin",
    "secrets",
    "shown",
    "unknown_variables",
]
