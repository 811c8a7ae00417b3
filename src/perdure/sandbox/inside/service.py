"""The service of a session in a gateway's kernel: it is sent there as source, and called by
evaluating expressions.

Each answer is JSON, or a `problem` in a few words. Every request may come twice, because an
interrupt that comes too late for the code stops one of these.
"""

import base64
import contextlib
import importlib.util
import os
from pathlib import Path

from .files import DATA, is_plain, list_files, open_below
from .packages import installed

MIME = "application/vnd.perdure+json"


class JsonOutput:
    """An answer, which the kernel shows as JSON."""

    def __init__(self, **content: object) -> None:
        self.content = content

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return {MIME: self.content, "text/plain": ""}


def begin(packages: list[str], *, warm: bool) -> JsonOutput:
    """Makes a new kernel a session; `warm`: and imports what most code imports."""
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    try:
        os.chdir(DATA)
        kept = os.listdir(".")  # noqa: PTH208
        Path(".perdure").touch()
        Path(".perdure").unlink()
    except OSError as error:
        return JsonOutput(problem=f"{DATA} cannot be used: {error.strerror}")
    if kept:
        return JsonOutput(problem=f"{DATA} is not empty, so kernels seem to share it")
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        return JsonOutput(problem=f"Python packages are missing: {', '.join(missing)}")
    if warm:
        for name in ("numpy", "pandas", "matplotlib.pyplot"):
            importlib.import_module(name)
    return JsonOutput()


def packages(usual: list[str]) -> JsonOutput:
    """Lists what is installed for code."""
    return JsonOutput(names=installed(usual))


def files(most: int) -> JsonOutput:
    """Lists at most `most` files, and counts the other things there are."""
    found, left_out = list_files(most, is_plain)
    return JsonOutput(files=found, left_out=left_out)


def get(name: str, *, offset: int, most: int) -> JsonOutput:
    """Reads a block of a file, empty at its end."""
    try:
        file = open_below(name)
    except OSError as error:
        return JsonOutput(problem=error.strerror)
    try:
        if not is_plain(os.fstat(file)):
            return JsonOutput(problem="It is not a plain file")
        return JsonOutput(data=base64.b64encode(os.pread(file, most, offset)).decode())
    except OSError as error:
        return JsonOutput(problem=error.strerror)
    finally:
        os.close(file)


def put(name: str, *, offset: int, data: str) -> JsonOutput:
    """Writes a block of a file; the first one replaces a file of the same name."""
    try:
        if not offset:
            drop(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(f"{DATA}/{name}", flags, 0o644), "wb") as file:
            file.seek(offset)
            file.write(base64.b64decode(data))
    except OSError as error:
        drop(name)
        return JsonOutput(problem=error.strerror)
    return JsonOutput()


def drop(name: str) -> JsonOutput:
    """Removes a file."""
    with contextlib.suppress(OSError):
        Path(DATA, name).unlink()
    return JsonOutput()


def mark(word: str) -> JsonOutput:
    """Writes a word to both standard streams, behind all that programs have written to them."""
    for stream in (1, 2):
        os.write(stream, word.encode())
    return JsonOutput()
