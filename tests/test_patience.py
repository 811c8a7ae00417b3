"""No test knows how fast its machine is: it waits as `patience.py` says."""

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path

from tests.patience import PATIENCE_SECONDS, pass_time

TESTS = Path(__file__).parent
# Where waiting has its home, and where Hypothesis is told to take no time.
HOMES = ("patience.py", "examples.py")
# What waits for its last argument at most; others have an argument of the name `timeout`.
BOUNDED = ("timeout", "wait", "wait_for", "poll")
CLOCKS = ("monotonic", "perf_counter")


def _is_figure(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value > 0


def _bounds_by_figure(call: ast.Call, name: str) -> bool:
    bounds = [each.value for each in call.keywords if each.arg == "timeout"]
    return any(map(_is_figure, [*bounds, *(call.args if name in BOUNDED else ())]))


def _faults(tree: ast.AST, *, of_test: bool) -> Iterator[str]:
    """What depends on the machine; loads and servers of the tests may pace themselves."""
    for node in ast.walk(tree):
        if of_test and isinstance(node, ast.Attribute) and node.attr in CLOCKS:
            yield f"{node.lineno}: looks at the clock"
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if of_test and name == "sleep" and [ast.unparse(each) for each in node.args] != ["0"]:
                yield f"{node.lineno}: sleeps"
            if _bounds_by_figure(node, name):
                yield f"{node.lineno}: waits for a number of seconds of its own"
            if any(each.arg == "deadline" for each in node.keywords):
                yield f"{node.lineno}: has a deadline"


def test_no_test_sleeps_looks_at_the_clock_or_waits_for_seconds_of_its_own() -> None:
    found = [
        f"{path.relative_to(TESTS)}:{fault}"
        for path in sorted(TESTS.rglob("*.py"))
        if path.name not in HOMES
        for fault in _faults(
            ast.parse(path.read_text(encoding="utf-8")),
            of_test=path.name.startswith(("test_", "conftest")),
        )
    ]
    assert found == []


async def test_what_was_to_be_over_by_then_is_over_when_the_clock_is_moved_on() -> None:
    sleeping = asyncio.ensure_future(asyncio.wait_for(asyncio.Event().wait(), PATIENCE_SECONDS))
    await asyncio.sleep(0)
    pass_time(PATIENCE_SECONDS - 1)
    await asyncio.sleep(0)
    assert not sleeping.done()
    pass_time(1)
    assert isinstance((await asyncio.gather(sleeping, return_exceptions=True))[0], TimeoutError)
