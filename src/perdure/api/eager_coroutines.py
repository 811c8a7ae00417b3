"""Coroutines that begin outside of a task, since few of them ever wait.

Tasks of Python 3.12 can do the same; a task for each call would cost more than the call.
"""

from collections.abc import Awaitable, Generator
from typing import Any


def begin(coroutine: Awaitable[None]) -> Awaitable[None] | None:
    """Runs a coroutine until it waits. Returns None if it has ended, else the rest of it, which a
    task has to await. It must not ask for the current task.
    """
    steps = coroutine.__await__()
    try:
        waited_for = next(steps)
    except StopIteration:
        return None
    return _Rest(steps, waited_for)


class _Rest:
    """The rest of a coroutine that waits for something."""

    def __init__(self, steps: Generator[Any, Any, None], waited_for: object) -> None:
        self._steps = steps
        self._waited_for = waited_for

    def __await__(self) -> Generator[Any, Any, None]:
        waited_for = self._waited_for
        while True:
            try:
                try:
                    sent = yield waited_for
                except BaseException as error:  # as a cancel, it is the coroutine's
                    waited_for = self._steps.throw(error)
                else:
                    waited_for = self._steps.send(sent)
            except StopIteration:
                return
