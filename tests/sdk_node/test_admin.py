"""The official SDK for Node administers a server as it administers the original."""

import subprocess
from pathlib import Path

from tests.cli.processes import serving
from tests.patience import PATIENCE_SECONDS
from tests.sdk_node.packages import folder

ADMIN = "sk-admin-of-the-settings"
PROGRAM = Path(__file__).with_name("admin.mjs")


def test_the_node_sdk_administers_projects_and_keys(tmp_path: Path) -> None:
    packages = folder()
    with serving(tmp_path / "data", environment={"PERDURE_ADMIN_KEY": ADMIN}) as served:
        done = subprocess.run(
            ["node", str(PROGRAM), "openai-new", served.base_url, str(packages), ADMIN],
            capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        served.stop()
