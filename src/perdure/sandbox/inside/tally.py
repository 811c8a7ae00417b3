"""Count of an execution's output against its limits."""

from .repeats import Repeats

# what a message counts as, however short it is
LEAST_BYTES = 64


class Tally:
    """Counts the output of one execution, and the output that is left out. `repeats` filters its
    texts.
    """

    def __init__(self, *, text_bytes: int, images: int, image_bytes: int) -> None:
        self.text = text_bytes
        self.images = images
        self.image_bytes = image_bytes
        self.cut = self.dropped = 0
        self.repeats = Repeats()
        self._raised = False

    def fit(self, text: str) -> str:
        """Counts a text. Returns as much of it as is within the limit."""
        data = text.encode("utf-8", "replace")
        kept = data[: self.text]
        self.text = max(self.text - max(len(kept), LEAST_BYTES), 0)
        self.cut += len(data) - len(kept)
        return kept.decode("utf-8", "ignore")

    def error(self, text: str) -> str | None:
        """Counts a traceback. Returns as much of it as is within the limit; None for one that is
        not worth a message.
        """
        kept = self.fit(text)
        if not kept and self._raised:
            return None
        self._raised = True
        return kept

    def takes(self, image: str) -> bool:
        """Counts a picture in base64. Returns true if it is within the limits."""
        if self.images and len(image) * 3 // 4 <= self.image_bytes:
            self.images -= 1
            return True
        self.dropped += 1
        return False

    def note(self) -> str:
        """Returns what was left out; nothing if all was told."""
        if not self.cut and not self.dropped:
            return ""
        cut = f"{self.cut} more bytes of text" if self.cut else ""
        dropped = f"{self.dropped} more images, or too large ones," if self.dropped else ""
        what = " and ".join(part for part in (cut, dropped) if part)
        return f"[Left out, because an execution may not show so much: {what.rstrip(',')}.]"
