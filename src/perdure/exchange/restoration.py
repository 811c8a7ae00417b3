"""Restoration of a back-up into a data folder that no server uses.

Everything is unpacked and checked beside the database first. Contents have names that are never
used again, so those of the back-up can lie among the old ones until the database is replaced, in
one step. What was there before is kept in a folder of its own. Broken off at any point, a
restoration is started again.
"""

import hashlib
import os
import re
import secrets
import shutil
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from perdure.errors import ConfigurationError
from perdure.exchange import archives, compression
from perdure.exchange.backups import BLOBS, FORMAT, MANIFEST, ROOT, VERSION, BackupManifest
from perdure.exchange.tar_files import FilePart, members
from perdure.storage import checkup, copies, folder
from perdure.storage.sqlite import FILE_NAME
from perdure.wire.base import decode

_COPY_BYTES = 1024 * 1024
_MOST_MANIFEST_BYTES = 64 * 1024 * 1024
_WORK = "restoring"
_BLOB = re.compile(r"blob_[0-9a-f]{32}")


class Restored(NamedTuple):
    """A restoration that was done: the manifest, and where what was there before is kept."""

    manifest: BackupManifest
    before: Path | None


def has_database(data_dir: Path) -> bool:
    """Returns True if there is a database that would be replaced."""
    return (data_dir / FILE_NAME).exists()


def restore(path: str, data_dir: Path) -> Restored:
    """Restores a back-up. Raises `ConfigurationError` where it is none, was cut off or is damaged,
    and where a server uses the folder; then nothing has changed.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(data_dir), archives.seekable(path) as file:
            work = data_dir / _WORK
            shutil.rmtree(work, ignore_errors=True)
            (work / BLOBS).mkdir(mode=0o700, parents=True)
            try:
                manifest = _unpack(members(file), work)
                copies.check(work / FILE_NAME)
                checkup.look(None, work)
                return Restored(manifest, _place(work, data_dir))
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except tarfile.TarError as error:
        raise ConfigurationError(f"{path} is no back-up that can be read: {error}.") from None
    except compression.ERRORS:
        raise ConfigurationError(f"{path} was cut off, or is damaged.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be restored: {error.strerror or error}.") from None


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    try:
        with FileLock(data_dir / "perdure.lock", timeout=0):
            yield
    except Timeout:
        raise ConfigurationError(
            f"The data folder {data_dir} is in use by another perdure process: stop the server."
        ) from None


def _unpack(found: dict[str, FilePart], work: Path) -> BackupManifest:
    """Writes the members of a back-up to a folder. Returns its manifest."""
    text = found.get(f"{ROOT}/{MANIFEST}")
    if text is None:
        raise ConfigurationError("The back-up has no manifest: it is none, or it was cut off.")
    try:
        manifest = decode(text.read(0, _MOST_MANIFEST_BYTES), BackupManifest)
    except (ValueError, RecursionError):
        raise ConfigurationError("The manifest of the back-up is none.") from None
    if (manifest.format, manifest.version, manifest.complete) != (FORMAT, VERSION, True):
        raise ConfigurationError("This is no back-up that this version of Perdure can restore.")
    digest = hashlib.sha256()
    for name, part in found.items():
        path = _path_of(name.removeprefix(f"{ROOT}/"), work)
        if path is not None:
            _write(part, path, digest)
    if digest.hexdigest() != manifest.sha256 or not (work / FILE_NAME).exists():
        raise ConfigurationError("The back-up is damaged: its bytes are not those that it had.")
    for blob_id in manifest.damaged:
        if _BLOB.fullmatch(blob_id):
            (work / BLOBS / blob_id).unlink(missing_ok=True)
    return manifest


def _path_of(name: str, work: Path) -> Path | None:
    """Returns where a member goes; None for one that no back-up has."""
    if name == FILE_NAME:
        return work / FILE_NAME
    kind, _, rest = name.partition("/")
    if kind == BLOBS and (rest == folder.ID_FILE or _BLOB.fullmatch(rest)):
        return work / BLOBS / rest
    return None


def _write(part: FilePart, path: Path, digest: "hashlib._Hash") -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        place = 0
        while block := part.read(place, _COPY_BYTES):
            place += len(block)
            digest.update(block)
            left = memoryview(block)
            while left:
                left = left[os.write(file, left) :]
        os.fsync(file)
    finally:
        os.close(file)


def _place(work: Path, data_dir: Path) -> Path | None:
    """Puts what was unpacked into the data folder. Returns the folder of what was there before."""
    blobs = data_dir / BLOBS
    new = {path.name for path in (work / BLOBS).iterdir()} - {folder.ID_FILE}
    before = _keep(data_dir)
    blobs.mkdir(mode=0o700, exist_ok=True)
    for name in new:
        target = folder.path_of(blobs, name)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        (work / BLOBS / name).replace(target)
    folder.sync(blobs)
    copies.replace(data_dir, work / FILE_NAME)
    if (work / BLOBS / folder.ID_FILE).exists():
        (work / BLOBS / folder.ID_FILE).replace(blobs / folder.ID_FILE)
    # Nobody knows them any more.
    for path in folder.paths(blobs):
        if path.name not in new:
            path.unlink()
    folder.sync(blobs)
    return before


def _keep(data_dir: Path) -> Path | None:
    """Makes a folder with links to all that is there: each is one file, under two names. Returns
    it, or None where there is nothing.
    """
    blobs = data_dir / BLOBS
    if not (has_database(data_dir) or folder.paths(blobs)):
        return None
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    before = data_dir / f"before-restore-{stamp}-{secrets.token_hex(2)}"
    before.mkdir(mode=0o700)
    if has_database(data_dir):
        copies.settle(data_dir)
        os.link(data_dir / FILE_NAME, before / FILE_NAME)
    _keep_contents(blobs, before / BLOBS)
    return before


def _keep_contents(blobs: Path, kept: Path) -> None:
    kept.mkdir(mode=0o700)
    if (blobs / folder.ID_FILE).exists():
        shutil.copy2(blobs / folder.ID_FILE, kept / folder.ID_FILE)
    for path in folder.paths(blobs):
        target = folder.path_of(kept, path.name)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        os.link(path, target)
