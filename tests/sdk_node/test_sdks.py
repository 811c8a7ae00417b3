"""Unmodified programs get what they expect, on Node SDKs old and new."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

from tests.cli.processes import serving
from tests.patience import PATIENCE_SECONDS

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "sdk_node"
PACKAGES = ("openai-4", "openai-4-last", "openai-new")
# Streams that are silent for a moment carry comments. A sandbox that nobody asks for is not made:
# it imports what most code needs.
ENVIRONMENT = {"PERDURE_KEEP_ALIVE_SECONDS": "0.05", "PERDURE_CODE_SPARE_SESSIONS": "0"}


def _checks() -> list[str]:
    program = (HERE / "program.mjs").read_text()
    return re.findall(r"^  async (\w+)\(\) \{$", program, re.MULTILINE)


@cache
def _folder() -> Path:
    """A folder with the SDKs; made once, and kept."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node is not installed: the Node SDK is not tested here")
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "package.json").read_text()
    done = CACHE / "done.json"
    # Another process of the same test run may be at it.
    with FileLock(CACHE / "lock"):
        if not done.is_file() or done.read_text() != wanted:
            (CACHE / "package.json").write_text(wanted)
            installed = subprocess.run(
                ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"],
                cwd=CACHE, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
            )  # fmt: skip
            if installed.returncode:
                pytest.skip(f"the Node SDKs cannot be installed here: {installed.stderr[-300:]}")
            done.write_text(wanted)
    return CACHE


@pytest.fixture(scope="module", params=PACKAGES)
def results(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str | None]]:
    """What each check of the program found, with one version of the SDK and a server of its own."""
    folder = _folder()
    with serving(tmp_path_factory.mktemp("sdk") / "data", environment=ENVIRONMENT) as served:
        done = subprocess.run(
            ["node", str(HERE / "program.mjs"), request.param, served.base_url, str(folder)],
            capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        yield {line["check"]: line["wrong"] for line in lines}
        assert served.stop()[0] == 0


@pytest.mark.parametrize("check", _checks())
def test_a_program(results: Mapping[str, str | None], check: str) -> None:
    wrong = results[check]
    assert wrong is None, wrong
