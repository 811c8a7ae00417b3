"""Samples of numbers and strings that satisfy a JSON schema, for `schema_sample.py`."""

import math
from fractions import Fraction

from perdure.testing.pattern_sample import matching
from perdure.wire.base import JsonObject

_MAX_LENGTH = 10_000

_FORMATS = {
    "date": "2030-01-01",
    "date-time": "2030-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
}


def number(schema: JsonObject, *, whole: bool, variant: int = 0) -> float:
    """Returns a number within the schema's bounds: 1 where nothing speaks against it.

    Each `variant` is another one, as long as there are others.
    """
    low, above = _bound(schema, "minimum"), _bound(schema, "exclusiveMinimum")
    high, below = _bound(schema, "maximum"), _bound(schema, "exclusiveMaximum")
    lowest = max((each for each in (low, above) if each is not None), default=None)
    highest = min((each for each in (high, below) if each is not None), default=None)
    step = _step(schema, whole=whole)
    fitting = [
        value
        for value in dict.fromkeys(_candidates(lowest, highest, step, variant))
        if (low is None or value >= low)
        and (above is None or value > above)
        and (high is None or value <= high)
        and (below is None or value < below)
        and (step is None or value % step == 0)
    ]
    if not fitting:
        return 1
    value = fitting[min(variant, len(fitting) - 1)]
    return int(value) if value.denominator == 1 else float(value)


def string(schema: JsonObject, *, hint: str, variant: int = 0) -> str:
    """Returns a string as the schema wants it: the hint where any will do, with the variant's
    number.
    """
    least, most = schema.get("minLength"), schema.get("maxLength")
    shortest = min(least, _MAX_LENGTH) if isinstance(least, int) else 0
    longest = most if isinstance(most, int) else None
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        for repeats in (0, 1, shortest, *range(2, 40))[variant:]:
            text = matching(pattern, repeats=repeats)
            if text is None:
                break
            if shortest <= len(text) and (longest is None or len(text) <= longest):
                return text
    ending = str(variant + 1) if variant else ""
    text = _FORMATS.get(str(schema.get("format")), hint + ending).ljust(shortest, "x")
    if longest is not None and len(text) > longest:
        return text[: max(0, longest - len(ending))] + ending[:longest]
    return text


def _bound(schema: JsonObject, key: str) -> Fraction | None:
    value = schema.get(key)
    return Fraction(str(value)) if _is_number(value) else None


def _step(schema: JsonObject, *, whole: bool) -> Fraction | None:
    value = schema.get("multipleOf")
    step = Fraction(str(value)) if _is_number(value) else None
    if step is None or step <= 0:
        return Fraction(1) if whole else None
    # The whole multiples of a fraction in its lowest terms are those of its numerator.
    return Fraction(step.numerator) if whole else step


def _candidates(
    lowest: Fraction | None, highest: Fraction | None, step: Fraction | None, variant: int
) -> list[Fraction]:
    """Yields values worth a try, the nicest first; at least one more for each variant."""
    candidates = [Fraction(1)]
    unit = step or Fraction(1)
    steps = range(variant + 2)
    if lowest is not None:
        first = lowest if step is None else math.ceil(lowest / unit) * unit
        candidates += [first + unit * count for count in steps]
    if highest is not None:
        last = highest if step is None else math.floor(highest / unit) * unit
        candidates += [last - unit * count for count in steps]
    if lowest is not None and highest is not None:
        candidates += [lowest + (highest - lowest) / (count + 2) for count in steps]
    return [*candidates, *(unit * (count + 1) for count in steps)]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
