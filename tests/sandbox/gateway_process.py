"""A real Jupyter Kernel Gateway, as a process of its own.

Its kernels have a `/mnt/data` of their own, as in pods of their own; nothing else isolates them.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from pydantic import SecretStr

from perdure.sandbox.gateway.sandbox import GatewaySandbox
from perdure.sandbox.sandbox import SessionLimits

KERNEL = "pod"
# kinds of kernels, and where their /mnt/data is
_MOUNTS = {
    KERNEL: ["--tmpfs", "/mnt", "--dir", "/mnt/data"],
    "no-folder": ["--tmpfs", "/mnt"],
    "read-only": ["--tmpfs", "/mnt", "--dir", "/mnt/data", "--remount-ro", "/mnt"],
}


class GatewayProcess:
    """Started at once, on a port of its own, with a token."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.token = SecretStr(secrets.token_hex())
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._write_kernels()
        self.start()

    def _write_kernels(self) -> None:
        bwrap = shutil.which("bwrap")
        assert bwrap is not None
        mounts = {**_MOUNTS, "shared": ["--bind", str(self._shared()), "/mnt"]}
        for name, mount in mounts.items():
            spec = {
                "argv": [
                    *(bwrap, "--dev-bind", "/", "/", *mount, "--die-with-parent", "--new-session"),
                    *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
                ],
                "display_name": name,
                "language": "python",
                # a signal would end bubblewrap
                "interrupt_mode": "message",
            }
            path = self._folder / "kernels" / name / "kernel.json"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(spec), encoding="utf-8")

    def _shared(self) -> Path:
        """A /mnt whose data folder is not empty."""
        data = self._folder / "mnt" / "data"
        data.mkdir(parents=True)
        (data / "of-somebody-else").touch()
        return data.parent

    def start(self) -> None:
        """Returns when it answers."""
        options = {
            "KernelGatewayApp.port": self._port,
            "KernelGatewayApp.port_retries": 0,
            # how soon it sees that a kernel has ended
            "KernelRestarter.time_to_dead": 0.2,
            # how long a kernel may take to end by itself
            "KernelManager.shutdown_wait_time": 0.1,
            # as docs/operating.md says
            "ZMQChannelsWebsocketConnection.iopub_data_rate_limit": 10_000_000,
            "JupyterWebsocketPersonality.list_kernels": True,
        }
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "kernel_gateway"),
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            env={
                "PATH": os.environ["PATH"],
                "KG_AUTH_TOKEN": self.token.get_secret_value(),
                "JUPYTER_PATH": str(self._folder),
                "JUPYTER_RUNTIME_DIR": str(self._folder / "run"),
                "JUPYTER_CONFIG_DIR": str(self._folder),
                "IPYTHONDIR": str(self._folder),
            },
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if "is available at" in line:
                break
        else:
            raise AssertionError("".join(said))
        # nobody reads on: what it says from here on must not hold it up
        self._drain = subprocess.Popen(
            ["cat"], stdin=self._process.stderr, stdout=subprocess.DEVNULL, start_new_session=True
        )
        self._process.stderr.close()

    def kill(self) -> None:
        """As a machine does that loses its power."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._drain.wait()

    def sandbox(
        self,
        kernel: str | None = KERNEL,
        *,
        limits: SessionLimits | None = None,
        warm: bool = False,
    ) -> GatewaySandbox:
        return GatewaySandbox(self.url, token=self.token, kernel=kernel, limits=limits, warm=warm)
