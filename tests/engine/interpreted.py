"""What the sessions of the stage run: a tiny language, a line a statement."""

from collections.abc import Iterable

from perdure.sandbox.sandbox import Error, Image, Output, Text
from perdure.testing.scripted_sandbox import Crashed, Forever, Wrote

PNG = b"\x89PNG\r\n\x1a\n and the rest of it"


def interpreted(code: str) -> Iterable[Output | Wrote | Forever | Crashed]:
    """`print X`, `show`, `write NAME X`, `raise X`, `crash X`, `forever`."""
    for line in code.splitlines():
        word, _, rest = line.partition(" ")
        match word:
            case "print":
                yield Text(f"{rest}\n", "stdout")
            case "show":
                yield Image("image/png", PNG)
            case "write":
                name, _, content = rest.partition(" ")
                yield Wrote(name, content.encode())
            case "raise":
                yield Error(f"Traceback (most recent call last):\nValueError: {rest}")
            case "crash":
                yield Crashed(rest)
            case "forever":
                yield Forever()
