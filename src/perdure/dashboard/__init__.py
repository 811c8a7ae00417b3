"""The built files of the dashboard. They are made from the folder `dashboard/` of the repository
when a wheel is built, or by `make ui`; an installation may lack them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "files"
INDEX = "index.html"

_GZIP = ".gz"
# Files of other kinds are not served, whatever lies in the folder.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}


class PageFile(NamedTuple):
    """A file of the dashboard. `gzipped` is its content compressed, if the build has made that.
    `is_named_by_hash`: another content would have another name.
    """

    content: bytes
    gzipped: bytes | None
    media_type: str
    is_named_by_hash: bool


class PageFiles:
    """The files of a folder by their paths below `/ui/`, read when they are first asked for, and
    again after another build.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self._built: tuple[int, int] | None = None
        self._files: Mapping[str, PageFile] = {}

    def find(self, path: str) -> PageFile | None:
        """Returns a file; None where there is none of this name, or nothing was built. It reads
        from disk.
        """
        built = self._stamp()
        if built != self._built:
            self._files = {} if built is None else self._read()
            self._built = built
        return self._files.get(path)

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = (self.folder / INDEX).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size

    def _read(self) -> dict[str, PageFile]:
        found = {}
        for path in sorted(self.folder.rglob("*")):
            media_type = _TYPES.get(path.suffix)
            if media_type is None or not path.is_file():
                continue
            gzipped = path.with_name(path.name + _GZIP)
            name = path.relative_to(self.folder).as_posix()
            found[name] = PageFile(
                path.read_bytes(),
                gzipped.read_bytes() if gzipped.is_file() else None,
                media_type,
                name.startswith("assets/"),
            )
        return found
