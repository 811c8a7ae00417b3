"""Words and lines for PDF files that tests write."""

import random

from fpdf import FPDF

from tests.parsing.pdf_writer import length

# A file, and its text: the words in the order of reading.
Made = tuple[bytes, str]

# Where lines end at the most, and how far they are apart, in points.
RIGHT, LEADING = 545, 18

_ENGLISH = (
    "the tenant shall keep harbour records of every vessel that enters between March and October "
    "unless the master has asked in writing for another berth or the surveyor found that cargo "
    "was damaged while insurance premiums paid by owners remain due within thirty working days "
    "after notice although repairs might begin earlier where weather permits"
)


def words(number: int, seed: int) -> list[str]:
    """So many words; a few of them occur once only."""
    chance = random.Random(seed)
    known = _ENGLISH.split()
    found = [chance.choice(known) for _ in range(number)]
    for at in range(0, number, 7):
        found[at] = f"{found[at]}{seed % 10}{chance.randrange(1000):03d}"
    return found


def lines_of(found: list[str], points: float = 480, size: float = 12) -> list[str]:
    """The words as lines that are no longer than so many points."""
    lines = [""]
    for word in found:
        longer = f"{lines[-1]} {word}".strip()
        if length(longer, size) <= points:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def plain_document() -> FPDF:
    """A document of the library that writes PDF files, with its own font."""
    document = FPDF()
    document.set_font("helvetica", size=11)
    return document
