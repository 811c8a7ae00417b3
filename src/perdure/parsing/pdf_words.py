"""The words of a page and their places, as they are found in a PDF file."""

from enum import Enum

import msgspec


class Joint(Enum):
    """The gap between a word and the one before it in the file."""

    SPACE = "a space"
    GUESS = "a gap that may be a space"
    BREAK = "the end of a line, or of a text"
    PLACE = "whatever its place says: the word is one glyph"


class Box(msgspec.Struct, frozen=True, gc=False):
    """A rectangle in points, with its text upright; y grows upwards."""

    left: float
    bottom: float
    right: float
    top: float

    @classmethod
    def upright(cls, left: float, bottom: float, right: float, top: float, turns: int) -> "Box":
        """The rectangle of a text that is turned by so many quarters to the left."""
        if turns == 1:
            return cls(bottom, -right, top, -left)
        if turns == 2:
            return cls(-right, -top, -left, -bottom)
        if turns == 3:
            return cls(-top, left, -bottom, right)
        return cls(left, bottom, right, top)

    @property
    def height(self) -> float:
        return self.top - self.bottom

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    def beside(self, other: "Box") -> bool:
        """True if the two share half of the lower one's height."""
        shared = min(self.top, other.top) - max(self.bottom, other.bottom)
        return shared >= min(self.height, other.height) / 2


class Word(msgspec.Struct, frozen=True, gc=False):
    """A word of a page, or a glyph of it, or the value of a field."""

    text: str
    box: Box
    turns: int
    order: int
    """Its place in the file."""
    joint: Joint
    invisible: bool
