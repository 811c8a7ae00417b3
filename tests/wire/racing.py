"""Decodes new kinds of objects on several threads at once, for the first time each.

A program of its own: what it looks for would end the process of the tests.
"""

import sys
import threading
from typing import Literal, Union

import msgspec

from perdure.wire.base import decode

_BODY = b'{"f0": {"x": {"type": "1", "a": 1}, "y": [{"type": "2"}]}, "f11": {"x": {"type": "3"}}}'


def new_kind(number: int) -> type[msgspec.Struct]:
    """A kind with parts that no decoder has seen."""
    leaves = tuple(
        msgspec.defstruct(f"Leaf{number}_{tag}", [("a", int | str | None, 0)], tag=str(tag))
        for tag in range(6)
    )
    leaf = Union[leaves]  # type: ignore[valid-type]  # noqa: UP007
    inner = msgspec.defstruct(
        f"Inner{number}", [("x", leaf), ("y", list[leaf], msgspec.field(default_factory=list))]
    )
    fields = [(f"f{place}", Union[inner, None, Literal["a", "b"]], None) for place in range(12)]  # noqa: UP007
    return msgspec.defstruct(f"Outer{number}", fields)


def race(number: int) -> None:
    kind = new_kind(number)
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        assert decode(_BODY, kind).f11.x.a == 0  # type: ignore[attr-defined]

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    sys.setswitchinterval(1e-6)
    for number in range(int(sys.argv[1])):
        race(number)
    print("unharmed")
