"""The numbers that programs put in front of the items of a list, as a reader sees them."""

_ROMAN = (
    (1000, "m"),
    (900, "cm"),
    (500, "d"),
    (400, "cd"),
    (100, "c"),
    (90, "xc"),
    (50, "l"),
    (40, "xl"),
    (10, "x"),
    (9, "ix"),
    (5, "v"),
    (4, "iv"),
    (1, "i"),
)
_LONGEST_ROMAN = 5000
_LETTERS = 26
# Word repeats letters: aa, bb. Nobody counts so far that this limit is met.
_MOST_LETTERS = 30
_TEENS = range(11, 14)


def roman(number: int) -> str:
    """Returns a number in small Roman letters; in digits where it is too large or too small."""
    if not 0 < number < _LONGEST_ROMAN:
        return str(number)
    written = ""
    for value, letters in _ROMAN:
        times, number = divmod(number, value)
        written += letters * times
    return written


def letters(number: int) -> str:
    """Returns a number as a, b, … z, aa, bb …; in digits where it is too large or too small."""
    if not 0 < number <= _LETTERS * _MOST_LETTERS:
        return str(number)
    times, letter = divmod(number - 1, _LETTERS)
    return chr(ord("a") + letter) * (times + 1)


def ordinal(number: int) -> str:
    """Returns a number as 1st, 2nd, 3rd …."""
    ending = "th" if number % 100 in _TEENS else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
