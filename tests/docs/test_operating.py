"""docs/operating.md knows every setting with its default, and every line that is logged."""

import re
from pathlib import Path

from perdure.settings import Settings, descriptions
from tests.docs.documents import ROOT, rows

_DOCUMENT = "docs/operating.md"
_LOGGED = re.compile(r"_log\.\w+\(\s*\"(\w+)\"")


def _defaults() -> dict[str, str]:
    """What the table should show: nothing for what is empty, code for the rest."""
    shown = {}
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True, validated_data={})
        if isinstance(default, Path):
            shown[name] = "the user's data folder"
        elif isinstance(default, float):
            shown[name] = f"`{default:g}`"
        else:
            shown[name] = f"`{default}`" if default else ""
    return shown


def test_every_setting_is_documented_with_its_default_and_no_other_is() -> None:
    documented = {name.strip("`"): default for name, default, _ in rows(_DOCUMENT, "Setting")}
    assert documented == _defaults()


def test_every_setting_has_a_description() -> None:
    assert descriptions().keys() == Settings.model_fields.keys()
    assert all(descriptions().values())


def test_every_log_line_is_documented_and_no_other_is() -> None:
    logged = {
        name
        for path in (ROOT / "src").rglob("*.py")
        for name in _LOGGED.findall(path.read_text(encoding="utf-8"))
    }
    documented = {
        name for cell, _ in rows(_DOCUMENT, "Line") for name in re.findall(r"`(\w+)`", cell)
    }
    assert documented == logged
