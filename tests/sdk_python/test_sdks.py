"""Unmodified programs get what they expect, on the SDKs of every age."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest
from filelock import FileLock

from tests.cli.processes import clean
from tests.cluster.behind import served, skip_joined
from tests.patience import PATIENCE_SECONDS

PROGRAM = Path(__file__).with_name("program")
CACHE = Path(__file__).parents[2] / ".cache" / "sdk_python"
INSTALLED = "installed"
# What a user of that time had beside it: newer ones do not go with it.
COMPANIONS = {"1.26.0": ("httpx<0.28",), "1.54.0": ("httpx<0.28",)}
VERSIONS = ("1.26.0", "1.54.0", INSTALLED)
# Streams that are silent for a moment carry comments. A sandbox that nobody asks for is not made:
# it imports what most code needs.
ENVIRONMENT = {"PERDURE_KEEP_ALIVE_SECONDS": "0.05", "PERDURE_CODE_SPARE_SESSIONS": "0"}


def _checks() -> list[str]:
    return [
        node.name
        for module in sorted(PROGRAM.glob("*.py"))
        for node in ast.parse(module.read_text()).body
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(each, ast.Name) and each.id == "check" for each in node.decorator_list)
    ]


@cache
def _packages(release: str) -> Path:
    """A folder with that SDK; made once, and kept."""
    folder = CACHE / f"openai-{release}-py{sys.version_info.major}{sys.version_info.minor}"
    CACHE.mkdir(parents=True, exist_ok=True)
    done = folder / "done"
    # Another process of the same test run may be at it.
    with FileLock(CACHE / f"{folder.name}.lock"):
        if not done.is_file():
            installed = subprocess.run(
                [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder),
                 "--upgrade", f"openai=={release}", *COMPANIONS[release]],
                capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
            )  # fmt: skip
            if installed.returncode:
                pytest.skip(f"openai {release} cannot be installed here: {installed.stderr[-300:]}")
            done.touch()
    return folder


@cache
def _results(release: str, base_url: str) -> Mapping[str, str | None]:
    environment = clean(None)
    if release != INSTALLED:
        environment["PYTHONPATH"] = str(_packages(release))
    done = subprocess.run(
        [sys.executable, "-m", "tests.sdk_python.program", base_url], cwd=PROGRAM.parents[2],
        capture_output=True, text=True, timeout=PATIENCE_SECONDS, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["check"]: line["wrong"] for line in lines}


@pytest.fixture(scope="module", params=VERSIONS)
def results(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str | None]]:
    """What each check of the program found, with one version of the SDK and a server of its own."""
    if request.param != INSTALLED:
        _packages(request.param)
    with served(request, tmp_path_factory.mktemp("sdk"), ENVIRONMENT) as url:
        yield _results(request.param, f"{url}/v1")


@pytest.mark.parametrize("check", _checks())
def test_a_program(
    request: pytest.FixtureRequest, results: Mapping[str, str | None], check: str
) -> None:
    wrong = results[check]
    skip_joined(request, wrong)
    assert wrong is None, wrong


def test_the_installed_sdk_is_a_current_one() -> None:
    """Else the newest would not be tested at all."""
    assert int(version("openai").split(".")[0]) >= 3
