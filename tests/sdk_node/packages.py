"""The SDKs for Node that the tests use."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

from tests.patience import PATIENCE_SECONDS

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "sdk_node"


@cache
def folder() -> Path:
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
