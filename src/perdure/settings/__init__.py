"""The settings of a server. `settings.py` has every setting, `sources.py` the places that values
come from, `display.py` their printed form. The other files are groups and tables of settings.
"""

from perdure.settings.descriptions import descriptions
from perdure.settings.display import printable, secrets
from perdure.settings.models import Price
from perdure.settings.settings import CONFIG_FILE, ENV_PREFIX, Settings, is_loopback
from perdure.settings.sources import (
    DEFAULT,
    files_read,
    load,
    only,
    only_with,
    origin,
    origins,
    unknown_variables,
)

__all__ = [
    "CONFIG_FILE",
    "DEFAULT",
    "ENV_PREFIX",
    "Price",
    "Settings",
    "descriptions",
    "files_read",
    "is_loopback",
    "load",
    "only",
    "only_with",
    "origin",
    "origins",
    "printable",
    "secrets",
    "unknown_variables",
]
