"""`make stress` finds its tests, and leaves no loop behind."""

from contextlib import suppress
from pathlib import Path

import psutil

from tests.stress import SUSPECTS, busy

ROOT = Path(__file__).parents[1]


def test_the_tests_that_it_repeats_are_there() -> None:
    assert [each for each in SUSPECTS if not (ROOT / each).exists()] == []


def test_its_loops_work_until_the_block_is_left_however_it_is() -> None:
    before = set(psutil.Process().children())
    loops: set[psutil.Process] = set()
    with suppress(KeyboardInterrupt), busy(2):
        loops |= set(psutil.Process().children()) - before
        raise KeyboardInterrupt
    assert [loop.is_running() for loop in loops] == [False, False]
