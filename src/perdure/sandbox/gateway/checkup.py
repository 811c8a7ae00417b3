"""A check that a gateway answers, with a report of what its kernels should not see or do.

The gateway's operator is responsible for the isolation of kernels, which cannot be proven from
here: a probe in a kernel finds what is evidently open, and finds nothing in a kernel that lies.
"""

import secrets
import time
from typing import NamedTuple
from urllib.parse import urlsplit

from perdure.errors import ConfigurationError
from perdure.sandbox.checkup import run_probe
from perdure.sandbox.gateway.sandbox import GatewaySandbox
from perdure.sandbox.sandbox import FileRefused, SessionLost

# what the probe has to find, and what it means if it does not
_HELD = {
    "user": "code runs as root",
    "capabilities": "code has rights of the system (capabilities)",
    "privileges": "code may gain rights (allowPrivilegeEscalation)",
    "filter": "system calls are not filtered (seccompProfile)",
    "write": "the root file system can be written to (readOnlyRootFilesystem)",
    "memory": "memory has no limit",
    "cluster": "code finds a token of the cluster (automountServiceAccountToken)",
    "environment": "code finds the token of a gateway in its environment",
    "gateway": "code reaches the gateway",
    "metadata": "code reaches the cloud's metadata (169.254.169.254)",
    "api": "code reaches the cluster's API",
}
_SHARED = "kernels share /mnt/data, so threads see each other's files"
_PROBE = """
import json, os, socket

def held(f, *given):
    try:
        f(*given)
    except (OSError, UnicodeError):
        return True
    return False

def reach(host, port):
    socket.create_connection((host, int(port)), timeout=1).close()

def status(name):
    with open("/proc/self/status") as lines:
        return next(line.split()[1] for line in lines if line.startswith(name + ":"))

def limited():
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(path) as file:
                most = file.read().strip()
            return most.isdigit() and int(most) < 1 << 48
        except OSError:
            pass
    return False

api = os.environ.get("KUBERNETES_SERVICE_HOST")
print(json.dumps({{
    "token": {token!r},
    "user": os.getuid() != 0,
    "capabilities": status("CapEff") == "0" * 16,
    "privileges": status("NoNewPrivs") == "1",
    "filter": status("Seccomp") == "2",
    "write": held(os.mkdir, "/perdure-probe"),
    "memory": limited(),
    "cluster": not os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount/token"),
    "environment": not any(name.endswith("G_AUTH_TOKEN") for name in os.environ),
    "gateway": held(reach, {host!r}, {port}),
    "metadata": held(reach, "169.254.169.254", 80),
    "api": not api or held(reach, api, os.environ.get("KUBERNETES_SERVICE_PORT", 443)),
}}))
if os.path.isdir("/perdure-probe"):
    os.rmdir("/perdure-probe")
"""


class Checked(NamedTuple):
    """The result of a check. `seconds`: the time that a start took; `doubts`: what is evidently
    open, in a few words each.
    """

    seconds: float
    doubts: tuple[str, ...]


async def check(sandbox: GatewaySandbox) -> Checked:
    """Starts two sessions, and runs a probe in one. Raises `ConfigurationError`."""
    begun = time.monotonic()
    session = await sandbox.start()
    took = time.monotonic() - begun
    token = secrets.token_hex()
    parts = urlsplit(sandbox.url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    code = _PROBE.format(token=token, host=str(parts.hostname), port=port)
    try:
        found = await run_probe(session, code)
        await session.put(token, b"")
        shared = await _is_shared(sandbox, token)
    except (SessionLost, FileRefused) as lost:
        raise ConfigurationError(f"The code interpreter's gateway broke down: {lost}") from None
    finally:
        await session.close()
    if found.get("token") != token:
        raise ConfigurationError("The code interpreter's gateway does not run code as it should.")
    doubts = [problem for name, problem in _HELD.items() if found.get(name) is not True]
    return Checked(took, (*doubts, *([_SHARED] if shared else [])))


async def _is_shared(sandbox: GatewaySandbox, name: str) -> bool:
    """Returns true if another session has the file. A session does not even start in a folder with
    files in it.
    """
    try:
        other = await sandbox.start()
    except ConfigurationError as error:
        if "is not empty" in str(error):
            return True
        raise
    try:
        return name in {file.name for file in await other.files()}
    finally:
        await other.close()
