"""Settings that are set, and the places where they are set."""

from collections.abc import Iterator, Mapping

from perdure import settings
from perdure.cli.findings import Finding, State
from perdure.settings import Settings


def overrides(chosen: Settings, flags: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """Yields the settings that are not the default: name, value as it may be printed, and
    origin.
    """
    origins = settings.origins(Settings.model_fields, flags)
    for name in Settings.model_fields:
        where = origins[name]
        if where != settings.DEFAULT:
            yield name, settings.printable(chosen, name), where


def findings(chosen: Settings, flags: Mapping[str, object]) -> list[Finding]:
    """Returns findings about settings, and about variables that only look like settings."""
    found = [
        Finding(State.OK, "settings", f"{name} = {value} from {where}")
        for name, value, where in overrides(chosen, flags)
    ]
    for variable in settings.unknown_variables():
        text = f"the environment variable {variable} is not a setting"
        remedy = "Correct its name, or remove it; docs/operating.md lists all settings."
        found.append(Finding(State.WARN, "settings", text, remedy))
    return found
