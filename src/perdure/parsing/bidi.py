"""The order of reading of a line whose characters are known by their places on paper."""

import re
import unicodedata

_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff]")
_SEPARATORS = ".,:/-\u066b\u066c"
# Ligatures, and the shapes that letters of Arabic and Hebrew take in a word.
_SHAPES = re.compile(r"[\ufb00-\ufd3d\ufd50-\ufdff\ufe70-\ufefc]+")


def has_right_to_left(text: str) -> bool:
    """True if there is a letter or sign of a script that is written from right to left."""
    return _RIGHT_TO_LEFT.search(text) is not None


def is_right_to_left(text: str) -> bool:
    """True for a text with more letters from right to left than others."""
    if not has_right_to_left(text):
        return False
    sides = [_side(each) for each in text]
    return sides.count("R") > sides.count("L")


def logical(glyphs: list[str]) -> str:
    """The text of a line, given what its glyphs stand for from left to right on paper.

    A line with more letters from right to left than others is read from the right; in it numbers
    and words of other scripts keep their order. In other lines it is the other way round.
    """
    sides = [_side(each) for each in glyphs]
    if sides.count("R") == 0:
        return "".join(glyphs)
    if sides.count("R") >= sides.count("L"):
        return "".join("".join(run) for run in reversed(_runs(glyphs, sides, "L")))
    return "".join(
        "".join(_right_to_left(run) if any(map(has_right_to_left, run)) else run)
        for run in _runs(glyphs, sides, "R")
    )


def _side(glyph: str) -> str:
    if has_right_to_left(glyph):
        # numerals and marks of these scripts are no letters
        return "R" if glyph[0].isalpha() else "D" if glyph[0].isdigit() else "N"
    if glyph[0].isalpha():
        return "L"
    return "D" if glyph[0].isdigit() else "N"


def _right_to_left(run: list[str]) -> list[str]:
    sides = [_side(each) for each in run]
    return ["".join(part) for part in reversed(_runs(run, sides, "L"))]


def _runs(glyphs: list[str], sides: list[str], side: str) -> list[list[str]]:
    """The glyphs in runs that keep their order: letters of one side with what is between them, and
    numbers with their separators. Every other glyph is a run by itself.
    """
    runs: list[list[str]] = []
    at = 0
    while at < len(glyphs):
        end = at + 1
        if sides[at] in (side, "D"):
            joined = (side, "D") if sides[at] == side else ("D",)
            ahead = end
            while ahead < len(glyphs) and sides[ahead] in (*joined, "N"):
                ahead += 1
                if sides[ahead - 1] in joined:
                    end = ahead
                elif joined == ("D",) and not _separates(glyphs, sides, ahead - 1):
                    break
        runs.append(glyphs[at:end])
        at = end
    return runs


def _separates(glyphs: list[str], sides: list[str], at: int) -> bool:
    """True for one separator between two digits."""
    return glyphs[at] in ".,:/-\u066b\u066c" and sides[at - 1] == "D" == "".join(
        sides[at + 1 : at + 2]
    )


def shaped_back(text: str) -> str:
    """The text with letters in place of ligatures and of the shapes that letters take in a word."""
    return _SHAPES.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
