"""The program inside the sandbox: it starts a Jupyter kernel, and a relay between it and the host.

It sets the limits that only a process itself can set, and forks the kernel.
"""

import json
import os
import resource
import secrets
import socket
import sys
import traceback

from ipykernel import kernelapp
from ipykernel.iostream import IOPubThread
from jupyter_client.connect import write_connection_file

from .files import DATA
from .relay import CONNECTION, Host, Relay

# what the host measures: every place that can be written to
PLACES = (DATA, "/tmp", "/dev/shm", "/run")  # noqa: S108


class Publisher(IOPubThread):
    """Jupyter's publisher without the TCP port on which it listens to forks of itself: there is no
    TCP in here.
    """

    def __init__(self, channel: object, **given: object) -> None:
        super().__init__(channel, **{**given, "pipe": False})  # type: ignore[no-untyped-call]


def write_plainly() -> None:
    """Sends what a fork of the kernel prints to its standard streams, which the kernel reads."""
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115


def start_kernel(link: socket.socket) -> int:
    """Forks the kernel, so that it and the relay share the memory of what both import. Returns its
    process id.
    """
    write_connection_file(
        CONNECTION, ip="/run/kernel", transport="ipc", key=secrets.token_hex().encode()
    )
    kernel = os.fork()
    if kernel:
        return kernel
    link.close()
    os.setsid()  # an interrupt goes to the kernel and to the programs it runs, not to the relay
    # the kernel writes there what it reads from its streams, and stops reading when nobody takes it
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    vars(kernelapp)["IOPubThread"] = Publisher
    os.register_at_fork(after_in_child=write_plainly)
    kernelapp.IPKernelApp.launch_instance(
        [
            f"-f={CONNECTION}",
            "--InteractiveShell.colors=nocolor",
            "--HistoryManager.enabled=False",
        ]
    )
    sys.exit(0)


def main() -> None:
    link = socket.socket(fileno=int(sys.argv[1]))
    host = Host(link)
    chosen = json.loads(sys.argv[2])
    try:
        # Before the limits: the kernel compares the one of open files with how many are under way
        # in all sockets of this user, those of other sessions too.
        places = [os.open(place, os.O_RDONLY | os.O_DIRECTORY) for place in PLACES]
        socket.send_fds(link, [b"P"], places)
        for place in places:
            os.close(place)
        for name, most in chosen["rlimits"].items():
            resource.setrlimit(getattr(resource, name), (most, most))
        os.nice(10)  # the server goes first
        os.chdir(DATA)
        link.set_inheritable(False)
        kernel = start_kernel(link)
        relay = Relay(host, kernel, chosen["limits"])
        relay.wait_for_kernel(chosen["warm"])
    except Exception:
        host.send_frame(type="lost", text=traceback.format_exc(limit=-3))
        raise
    relay.serve()


if __name__ == "__main__":
    main()
