"""The host's list of the files in a session's /mnt/data, from what the session says about it."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator

from perdure.sandbox import output_filter
from perdure.sandbox.sandbox import MIB, SessionFile, SessionLimits, Text


class Folder:
    """The files as they were when they were last listed."""

    def __init__(self, limits: SessionLimits) -> None:
        self._limits = limits
        # size, time of the last change
        self._known: dict[str, tuple[int, int]] = {}
        self._left_out = self._told_left_out = 0

    def look(
        self, seen: Iterable[tuple[str, int, int]], *, left_out: int
    ) -> tuple[SessionFile, ...]:
        """Takes names, sizes and times. Returns the files that are new or changed."""
        listed = list(seen)
        known = {
            name: (size, changed_at)
            for name, size, changed_at in listed
            if output_filter.is_name(name) and size <= self._limits.disk_bytes
        }
        changed = [name for name in known if known[name] != self._known.get(name)]
        self._known = known
        self._left_out = left_out + len(listed) - len(known)
        return tuple(SessionFile(name, known[name][0]) for name in sorted(changed))

    @property
    def files(self) -> tuple[SessionFile, ...]:
        return tuple(SessionFile(name, size) for name, (size, _) in sorted(self._known.items()))

    def notes(self) -> Iterator[Text]:
        """Yields a note of how many files are left out, when there are more than before."""
        if self._left_out > self._told_left_out:
            yield Text(
                f"[{self._left_out} things in /mnt/data are not offered as files: only plain "
                f"files with printable names are, {self._limits.files} at most.]\n",
                "note",
            )
        self._told_left_out = self._left_out


async def blocks(content: bytes | AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Yields a content in blocks of a MiB at most; none is empty."""
    if isinstance(content, bytes):
        for start in range(0, len(content), MIB):
            yield content[start : start + MIB]
        return
    async for held in content:
        for start in range(0, len(held), MIB):
            yield held[start : start + MIB]
