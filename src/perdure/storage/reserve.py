"""Reserve of disk space that is given up when the disk is full, so that there is space to
delete.
"""

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

_BYTES = 16 * 1024 * 1024
# SQLite does not always say why it could not write; where no more is left than this, it is that.
_NOTHING = 64 * 1024
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Reserve:
    """A file of 16 MB in the data folder, which is never read.

    It is there while the server runs. Given up, it is made again when the disk has twice as much
    space, so that the space of deleted objects is not filled up again at once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.is_there = False

    def take(self) -> bool:
        """Makes the file, if there is enough space. Returns true if it is there."""
        if not self.is_there:
            with suppress(OSError):
                self.is_there = self._make()
        return self.is_there

    def give_up(self) -> bool:
        """Deletes the file. Returns true if it was there."""
        was_there, self.is_there = self.is_there, False
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        return was_there

    def has_no_space(self) -> bool:
        """Returns true if the disk is full to the last page."""
        with suppress(OSError):
            return shutil.disk_usage(self._path.parent).free < _NOTHING
        return False

    def _make(self) -> bool:
        if self._path.exists() and self._path.stat().st_size == _BYTES:
            return True  # a server was killed here
        if shutil.disk_usage(self._path.parent).free < 2 * _BYTES:
            return False
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _fill(file)
        except OSError:
            self._path.unlink()
            raise
        finally:
            os.close(file)
        return True


def is_full(error: OSError) -> bool:
    """Returns true if a call failed for lack of disk space."""
    return error.errno in _NO_SPACE


def _fill(file: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, _BYTES)
        return
    for _ in range(_BYTES // 2**20):
        os.write(file, bytes(2**20))
