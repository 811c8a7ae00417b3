"""What of this machine a sandbox sees: Python and what it needs, nothing that lies beside it."""

import sys
from pathlib import Path

import pytest

from perdure import sandboxes, settings
from perdure.errors import ConfigurationError
from perdure.sandbox import runtime


def _sources() -> list[Path]:
    return [source for source, _ in runtime.find().binds]


def test_a_system_python_shows_the_systems_parts_and_not_all_of_usr(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    sources = _sources()
    assert Path("/usr/lib") in sources
    assert Path("/usr") not in sources
    assert not any(Path("/usr/src").is_relative_to(source) for source in sources)


def test_a_python_of_ones_own_shows_its_parts_and_not_what_is_beside_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for folder in ("bin", "lib", "envs/other", "pkgs"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    own = [source for source in _sources() if source.is_relative_to(tmp_path)]
    assert own == [tmp_path / "bin", tmp_path / "lib"]


def test_packages_are_seen_without_the_environment_around_them() -> None:
    """An environment often lies in a project or a home folder."""
    environment = Path(sys.prefix).resolve()
    assert environment not in _sources()
    for source in _sources():
        assert not environment.is_relative_to(source)
        assert not Path.home().is_relative_to(source)
        assert not Path(__file__).is_relative_to(source)


def test_what_a_session_sees_of_the_environment_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    environment = runtime.find().environment
    assert "SECRET" not in environment
    assert environment["HOME"] == "/tmp"
    assert environment["PATH"].split(":")[0] == str(Path(sys.executable).resolve().parent)


def test_packages_of_the_python_below_the_environment_are_hidden(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Unless the environment has them on its path."""
    foreign, own = (
        tmp_path / "lib" / "python3.11" / f"{kind}-packages" for kind in ("site", "dist")
    )
    for folder in (foreign, own):
        folder.mkdir(parents=True)
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "path", [*sys.path, str(own)])
    hidden = runtime.find().hidden
    assert str(foreign) in hidden
    assert str(own) not in hidden


def test_packages_of_the_environment_are_not_hidden() -> None:
    hidden = [Path(folder) for folder in runtime.find().hidden]
    assert not any(
        Path(folder).is_relative_to(place) for folder in sys.path if folder for place in hidden
    )


@pytest.mark.parametrize("part", ["bin", "lib", "."])
def test_a_private_folder_that_would_be_seen_is_refused(part: str) -> None:
    folder = Path(sys.base_prefix, part, "data") if part != "." else Path(sys.base_prefix)
    with pytest.raises(ConfigurationError, match="keep it in another folder"):
        runtime.find(private=[folder])


def test_what_a_folder_that_would_be_seen_links_to_is_not_private_either(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "lib").symlink_to("elsewhere")
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    with pytest.raises(ConfigurationError, match="keep it in another folder"):
        runtime.find(private=[tmp_path / "elsewhere" / "data"])


async def test_a_settings_file_that_would_be_seen_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not so one beside what is seen."""
    (tmp_path / "lib").mkdir()
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    inner, outer = tmp_path / "lib" / "perdure.toml", tmp_path / "perdure.toml"
    inner.touch()
    outer.touch()
    chosen = settings.only(data_dir=tmp_path / "data", config=inner)
    with pytest.raises(ConfigurationError, match=f"would see {inner}, because"):
        await sandboxes.connect(chosen).describe()
    runtime.find(private=[tmp_path / "data", outer])
