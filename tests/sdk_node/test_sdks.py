"""Unmodified programs get what they expect, on Node SDKs old and new."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cluster.behind import served, skip_joined
from tests.patience import PATIENCE_SECONDS
from tests.sdk_node.packages import folder

HERE = Path(__file__).parent
PACKAGES = ("openai-4", "openai-4-last", "openai-new")
# Streams that are silent for a moment carry comments. A sandbox that nobody asks for is not made:
# it imports what most code needs.
ENVIRONMENT = {"PERDURE_KEEP_ALIVE_SECONDS": "0.05", "PERDURE_CODE_SPARE_SESSIONS": "0"}


def _checks() -> list[str]:
    program = (HERE / "program.mjs").read_text()
    return re.findall(r"^  async (\w+)\(\) \{$", program, re.MULTILINE)


@pytest.fixture(scope="module", params=PACKAGES)
def results(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, str | None]]:
    """What each check of the program found, with one version of the SDK and a server of its own."""
    at = folder()
    with served(request, tmp_path_factory.mktemp("sdk"), ENVIRONMENT) as url:
        done = subprocess.run(
            ["node", str(HERE / "program.mjs"), request.param, f"{url}/v1", str(at)],
            capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        yield {line["check"]: line["wrong"] for line in lines}


@pytest.mark.parametrize("check", _checks())
def test_a_program(
    request: pytest.FixtureRequest, results: Mapping[str, str | None], check: str
) -> None:
    wrong = results[check]
    skip_joined(request, wrong)
    assert wrong is None, wrong
