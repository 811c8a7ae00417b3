"""Runs every check and prints one JSON line for each: its name, and what went wrong, if anything.

Usage: python -m tests.sdk_python.program BASE_URL
"""

import json
import traceback
from collections.abc import Iterator

from tests.sdk_python.program import code, files, runs  # noqa: F401 - each adds its checks
from tests.sdk_python.program.checks import CHECKS


def results() -> Iterator[dict[str, str | None]]:
    for function in CHECKS:
        wrong = None
        try:
            function()
        except Exception:
            wrong = traceback.format_exc()
        yield {"check": function.__name__, "wrong": wrong}


if __name__ == "__main__":
    for result in results():
        print(json.dumps(result), flush=True)
