"""A process that starts `perdure` commands by forking: `python -m tests.cli.fork_server FD`.

It has imported what most commands import, and read what they read of the package, so that a start
costs a few hundredths of a second of CPU where a new interpreter costs a whole one. From the first
line of `perdure/__main__.py` on, a command does what it does when a shell starts it.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import NamedTuple, NoReturn, get_args

from perdure import vocabulary
from perdure.storage import statements

# What has threads of its own (numpy, what reads files) is not among these: they do not survive.
_IMPORTED_BEFORE = (
    "aiosql",
    "perdure.cli.chat",
    "perdure.cli.demo",
    "perdure.cli.doctor",
    "perdure.cli.files",
    "perdure.cli.serve",
    "perdure.cli.stores",
    "perdure.cli.tls",
    "perdure.cli.verify",
    "perdure.storage.postgres",
    "perdure.storage.sqlite",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
)
_MESSAGE_BYTES = 1024 * 1024
# The interpreter's status when it cannot say the last of what it was told to say.
_UNFLUSHED = 120


class _Child(NamedTuple):
    pid: int
    status: int


class _Order(NamedTuple):
    """A command as the tests want it started."""

    arguments: list[str]
    cwd: str
    environment: dict[str, str]
    files: list[int]


def main() -> None:
    """Takes orders from the socket until it is closed: the arguments, folder and environment of a
    command as JSON, with its three standard files and the end of a pipe that is told its status.
    Each is answered with the command's process number.
    """
    # A suite that a shell has started in the background ignores Ctrl-C, and commands would too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in _IMPORTED_BEFORE:
        importlib.import_module(name)
    # What each server reads at its start, which is half of its cost.
    vocabulary.warm()
    for dialect in get_args(statements.Dialect):
        statements.load(dialect)
    assert threading.active_count() == 1, "a fork would lose these threads"
    # Else each command's first collection, and its end, would copy all that was imported.
    gc.collect()
    gc.freeze()
    control = socket.socket(fileno=int(sys.argv[1]))
    order = _take_orders(control)
    control.detach()
    if order is None:
        return
    for number, file in enumerate(order.files[:3]):
        os.dup2(file, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(order.cwd)
    os.environ.clear()
    os.environ.update(order.environment)
    sys.argv = ["perdure", *order.arguments]
    status: object = 0
    try:
        runpy.run_module("perdure", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        status = ended.code
    _leave(status)


def _leave(status: object) -> NoReturn:
    """Ends this process as the interpreter does, but takes no module apart: that costs four times
    as much as most commands, since each page that was shared with the fork server is copied.
    """
    if not isinstance(status, int | None):
        print(status, file=sys.stderr)
        status = 1
    # What the interpreter does first, in its order; private, and `multiprocessing` uses them too.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    # What is left of the command says so, such as a task that nobody waited for.
    gc.collect()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        status = _UNFLUSHED
    os._exit(status or 0)


def _take_orders(control: socket.socket) -> _Order | None:
    """Forks for each order, and tells how each command ended. The order of a command in the forked
    process, and None in this one at the end.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not control:
                    selector.unregister(key.fileobj)
                    _report(key.fd, key.data)
                    continue
                body, files, _, _ = socket.recv_fds(control, _MESSAGE_BYTES, 4)
                if not body:
                    _kill([each.data for each in selector.get_map().values() if each.data])
                    return None
                pid = os.fork()
                if pid == 0:
                    return _Order(**json.loads(body), files=files)
                *standard, status = files
                for file in standard:
                    os.close(file)
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, _Child(pid, status))
                control.send(str(pid).encode())


def _kill(children: list[_Child]) -> None:
    """Ends the commands that the tests have left behind, as those do whose worker was killed."""
    for child in children:
        os.kill(child.pid, signal.SIGKILL)


def _report(pidfd: int, child: _Child) -> None:
    """Tells how a command ended, as `subprocess` counts."""
    os.close(pidfd)
    _, status = os.waitpid(child.pid, 0)
    with suppress(BrokenPipeError):  # nobody may want to know any more
        os.write(child.status, str(os.waitstatus_to_exitcode(status)).encode())
    os.close(child.status)


if __name__ == "__main__":
    main()
