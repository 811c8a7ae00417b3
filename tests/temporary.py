"""Where the tests keep their files: in memory, on a machine that has plenty of it.

They commit tens of thousands of transactions, and on a disk each waits for it some milliseconds.
No test cuts the power: what a killed process has written is there on either.
"""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

_MEMORY = Path("/dev/shm")
# Several times as much as all workers hold at once.
_BYTES = 8 * 1024**3


def use() -> None:
    """Makes temporary files of this process, and of those that it starts, stay in memory, where
    nobody has said otherwise.
    """
    if "TMPDIR" not in os.environ and min(_room(), _free_memory()) >= _BYTES:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None  # so that it is read again


def _room() -> int:
    """The bytes that the folder may take; a container has often a few."""
    with suppress(OSError):
        if os.access(_MEMORY, os.W_OK):
            return shutil.disk_usage(_MEMORY).free
    return 0


def _free_memory() -> int:
    """The bytes that nobody needs, as Linux counts them."""
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            name, amount, *_ = line.split()
            if name == "MemAvailable:":
                return int(amount) * 1024
    return 0
