"""A folder of original files, which stand in for contents that an archive lacks (spec 10 §3.2)."""

import os
from pathlib import Path

from perdure.exchange.archives import blocks_of_file
from perdure.exchange.items import ContentItem
from perdure.wire.exchange import LineHead


class Originals:
    """The files of a folder, and of those below it, by name and size."""

    def __init__(self, folder: Path) -> None:
        self._paths: dict[tuple[str, int], Path] = {}
        for where, _, names in os.walk(folder):
            for name in names:
                path = Path(where) / name
                if path.is_file() and not path.is_symlink():
                    self._paths.setdefault((name, path.stat().st_size), path)

    def content(self, head: LineHead) -> ContentItem | None:
        """Returns the content of a file with the name and the size of a line's."""
        if head.filename is None or not head.bytes:
            return None
        path = self._paths.get((head.filename, head.bytes))
        if path is None:
            return None
        return ContentItem(head.id, head.bytes, blocks_of_file(path, head.bytes))
