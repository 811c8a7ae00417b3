"""The kernel of a session, as it is forked off the program inside."""

import gc
import os
import secrets
import socket
import sys

from ipykernel import kernelapp
from ipykernel.iostream import IOPubThread, OutStream
from jupyter_client.connect import write_connection_file

from .relay import CONNECTION

# Objects that are made before Python looks for garbage. It is 700 otherwise, and then a fifth of
# the time of an import is spent on that.
GARBAGE_THRESHOLD = 10_000


# Characters of a stream that may wait to be sent. Jupyter waits a fifth of a second whatever comes
# meanwhile, and a program that floods would fill the memory of the session before its time is up.
WAITING_CHARACTERS = 64 * 1024


class Stream(OutStream):
    """Jupyter's stream, whose writers wait for it to be sent when too much of it waits."""

    _waiting = 0

    def write(self, string: str) -> int:
        super().write(string)
        # not exact where several threads write: it is only a bound
        self._waiting += len(string)
        if self._waiting > WAITING_CHARACTERS:
            self._waiting = 0
            self.flush()  # type: ignore[no-untyped-call]
        return len(string)


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
    gc.freeze()  # what is looked at is written to, and then no longer shared
    kernel = os.fork()
    if kernel:
        return kernel
    link.close()
    os.setsid()  # an interrupt goes to the kernel and to the programs it runs, not to the relay
    # the kernel writes there what it reads from its streams, and stops reading when nobody takes it
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    gc.enable()
    gc.set_threshold(GARBAGE_THRESHOLD)
    vars(kernelapp)["IOPubThread"] = Publisher
    os.register_at_fork(after_in_child=write_plainly)
    kernelapp.IPKernelApp.launch_instance(
        [
            f"-f={CONNECTION}",
            "--InteractiveShell.colors=nocolor",
            "--HistoryManager.enabled=False",
            f"--IPKernelApp.outstream_class={Stream.__module__}.{Stream.__name__}",
        ]
    )
    sys.exit(0)
