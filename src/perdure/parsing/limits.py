"""The limits on parsing one file. Files are hostile: each of these has been tried."""

from typing import Final

import msgspec

from perdure.parsing.formats import Unparsable

MiB: Final = 1024 * 1024


class ParsingLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits on one file."""

    file_bytes: int = 512 * MiB
    """Size of the file (spec 06 §1.4)."""
    tokens: int = 5_000_000
    """Tokens of its text (spec 06 §1.4)."""
    characters: int = 50_000_000
    """Characters of its text, white space too."""
    seconds: float = 120
    """How long the server waits for its chunks in all, and what processor time it may take."""
    memory_bytes: int = 2048 * MiB
    """Address space of the process that parses it; not enforced on macOS."""

    def check_size(self, size: int) -> None:
        """Raises `Unparsable` for a file of so many bytes that it is not worth a look."""
        if size == 0:
            raise Unparsable("The file could not be parsed: it is empty.")
        if size > self.file_bytes:
            raise Unparsable(
                f"The file could not be parsed: it is larger than {self.file_bytes // MiB:,} MiB."
            )
