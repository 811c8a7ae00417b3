"""`make stress`: the tests that depend most on what else a machine does, beside busy loops.

Each round is a run of pytest of its own; what is not known here is passed on to it. Each round ends
with one line, and the last line says how many of how many tests passed; the exit code is 1 if one
did not.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn
from xml.etree import ElementTree as ET

# Real processes, leases, limits of time, and what was seen to fail on a slow machine.
SUSPECTS = (
    "tests/cli/test_chat.py",
    "tests/cli/test_code_interpreter.py",
    "tests/cli/test_shutdown.py",
    "tests/cli/test_webhooks.py",
    "tests/durability",
    "tests/api/test_streams.py",
    "tests/engine/test_code_sessions.py",
    "tests/engine/test_code_stopped.py",
    "tests/engine/test_engine.py",
    "tests/engine/test_upstream_cancel.py",
    "tests/engine/test_upstream_faults.py",
    "tests/engine/test_webhooks.py",
    "tests/providers/test_faults.py",
    "tests/providers/test_openai.py",
    "tests/parsing/test_fork_server.py",
    "tests/parsing/test_chunks.py",
    "tests/parsing/test_hostile.py",
    "tests/parsing/test_killed.py",
    "tests/sandbox",
    "tests/storage/test_postgres.py",
    "tests/storage/test_read.py",
    "tests/storage/test_write.py",
)
# Ends with whoever started it, however that ended.
_LOOP = """
import os
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""
_PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")


class Round(NamedTuple):
    """What came of one run of pytest."""

    tests: int
    failed: list[str]
    code: int
    said: str


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """So many processes that do nothing but work, until the block is left."""
    with ExitStack() as stack:
        for _ in range(loops):
            # Ctrl-C is for this process, which ends them.
            loop = subprocess.Popen([sys.executable, "-c", _LOOP], start_new_session=True)
            stack.callback(loop.wait)
            stack.callback(loop.kill)
        yield


def tested(arguments: Sequence[str]) -> Round:
    """Runs the tests once."""
    with tempfile.TemporaryDirectory(prefix="perdure-stress-") as folder:
        report = Path(folder, "report.xml")
        with Path(folder, "said").open("w+") as said:
            process = subprocess.Popen(
                [sys.executable, *_PYTEST, f"--junit-xml={report}", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = process.wait()
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)  # it puts its own servers away
                    process.wait()
            said.seek(0)
            cases = [*ET.parse(report).iter("testcase")] if report.exists() else []
            failed = [
                f"{case.get('classname')}::{case.get('name')}"
                for case in cases
                if case.find("failure") is not None or case.find("error") is not None
            ]
            return Round(len(cases), failed, code, said.read())


def main() -> int:
    """Runs the rounds; the exit code."""
    cores = os.cpu_count() or 1
    parser = argparse.ArgumentParser(
        prog="make stress",
        epilog="Other arguments go to pytest: files and tests in place of the suspects, options.",
    )
    parser.add_argument("--times", type=int, default=3, help="rounds")
    parser.add_argument("--loops", type=int, default=cores + 1, help="busy loops beside them")
    options, others = parser.parse_known_args()
    if not any(Path(each.partition("::")[0]).exists() for each in others):
        others = [*SUSPECTS, *others]
    signal.signal(signal.SIGTERM, _stop)
    failed: Counter[str] = Counter()
    tests = broken = 0
    with busy(options.loops):
        for number in range(1, options.times + 1):
            began = time.monotonic()
            came = tested(others)
            tests += came.tests
            failed.update(came.failed)
            broken += came.code != 0
            if came.code:
                print(came.said, flush=True)
            print(
                f"stress: round {number}: {came.tests - len(came.failed)} of {came.tests} passed "
                f"in {time.monotonic() - began:.0f} s",
                flush=True,
            )
    for name, count in sorted(failed.items()):
        print(f"stress: {name} failed {count} of {options.times} times")
    print(
        f"stress: {tests - failed.total()} of {tests} passed in {options.times} rounds beside "
        f"{options.loops} busy loops"
    )
    return 1 if broken or not tests else 0


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
