"""The program inside the sandbox: it starts a Jupyter kernel, and a relay between it and the host.

It sets the limits that only a process itself can set, and forks the kernel.
"""

import gc
import json
import os
import resource
import socket
import sys
import traceback

from .files import DATA
from .host import Host

# what the host measures: every place that can be written to
PLACES = (DATA, "/tmp", "/dev/shm", "/run")  # noqa: S108


def main() -> None:
    # These imports take a quarter of a second, a tenth of it for looking for garbage without any.
    gc.disable()
    # The kernel would load a debugger, which is half of its own start, and which nobody can reach.
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    from .kernel import start_kernel
    from .relay import Relay

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
        gc.enable()
        relay = Relay(host, kernel, chosen["limits"])
        relay.wait_for_kernel(chosen["warm"])
    except Exception:
        host.send_frame(type="lost", text=traceback.format_exc(limit=-3))
        raise
    relay.serve()


if __name__ == "__main__":
    main()
