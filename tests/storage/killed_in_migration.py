"""A process that opens a database and is killed after the n-th script of its migration.

`python -m tests.storage.killed_in_migration <n> <data folder> [<url>]`
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from perdure.bus.memory import MemoryBus
from perdure.storage import connect, postgres, sqlite


def die_after(number: int, schema: Any) -> None:
    run = schema.run
    left = number

    def run_and_maybe_die(self: object, script: str) -> None:
        nonlocal left
        run(self, script)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    schema.run = run_and_maybe_die


def main(number: str, folder: str, url: str | None = None) -> None:
    die_after(int(number), sqlite._Schema)
    die_after(int(number), postgres._Schema)
    asyncio.run(connect(url, Path(folder), bus=MemoryBus()).open())


if __name__ == "__main__":
    main(*sys.argv[1:])
