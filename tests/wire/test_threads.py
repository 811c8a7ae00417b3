"""Objects are decoded on the event loop, in readers and in the writer, at the same time."""

import subprocess
import sys

from tests.patience import PATIENCE_SECONDS


def test_threads_that_meet_a_kind_at_the_same_time_do_not_crash() -> None:
    """msgspec by itself ends the interpreter here: see `base.decode`."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.wire.racing", "400"],
        capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "unharmed\n", "")
