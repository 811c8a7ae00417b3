"""Files below /mnt/data, found and opened without following links.

It is run inside of sessions, beside untrusted code, and the host relies on nothing that it says
there: a session that lies about its files lies about its own.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator

DATA = "/mnt/data"
_DEPTH = 8
# what cannot be shown, or changes how the text around it is shown: control characters, those that
# turn the direction of writing, line ends, and halves of pairs (bytes that are no UTF-8)
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff]")

# name, size in bytes, time of the last change in nanoseconds
Listed = tuple[str, int, int]


def list_files(most: int, fit: Callable[[os.stat_result], bool]) -> tuple[list[Listed], int]:
    """Lists at most `most` files that `fit`. Returns them, and the number of other things there
    are.
    """
    found: list[Listed] = []
    left_out = 0
    root = os.open(DATA, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for name, status in walk(root, "", _DEPTH):
        if len(found) < most and is_presentable(name) and fit(status):
            found.append((name, status.st_size, status.st_mtime_ns))
        else:
            left_out += 1
    os.close(root)
    return found, left_out


def walk(folder: int, prefix: str, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    """Yields everything below the folder that is no folder itself; links are not followed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
                if not stat.S_ISDIR(status.st_mode):
                    yield prefix + entry.name, status
                elif depth:
                    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                    below = os.open(entry.name, flags, dir_fd=folder)
                    try:
                        yield from walk(below, f"{prefix}{entry.name}/", depth - 1)
                    finally:
                        os.close(below)
            except OSError:  # it went away meanwhile, or may not be read
                continue


def open_below(name: str) -> int:
    """Opens a file below the data folder; no part of its path may be a link."""
    *folders, last = name.split("/")
    current = os.open(DATA, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            current, above = os.open(folder, flags, dir_fd=current), current
            os.close(above)
        # a pipe would keep us waiting for its writer
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(last, flags, dir_fd=current)
    finally:
        os.close(current)


def is_presentable(name: str) -> bool:
    """Returns true if a name can be stored and shown as it is."""
    return not _UNFIT.search(name)


def is_plain(status: os.stat_result) -> bool:
    """Returns true for a regular file with one name."""
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def is_whole(status: os.stat_result) -> bool:
    """Returns true for a plain file in memory whose bytes are all there: a sparse one would cost
    the host more memory than it costs here. On a disk, compressed files look the same.
    """
    return is_plain(status) and status.st_blocks * 512 >= status.st_size
