"""Vectors without a model: words and parts of words, hashed into dimensions.

They know spelling and nothing of meaning: `car` is near `cars` and as far from `automobile` as from
anything. The scripted model answers them to `embeddings`, for tests and offline use. They are worth
nothing in production: search by words alone is better.
"""

import math
import re
from collections import Counter
from hashlib import blake2b

_WORD = re.compile(r"\w+")
# Parts of a word, of so many characters.
_PART = 4


def vector(text: str, dimensions: int) -> list[float]:
    """Returns a vector of length 1, or of zeros for a text without words."""
    features = Counter(
        feature for word in _WORD.findall(text.casefold()) for feature in _features(word)
    )
    values = [0.0] * dimensions
    for feature, times in features.items():
        hashed = int.from_bytes(blake2b(feature.encode(), digest_size=8).digest(), "big")
        sign = 1 if hashed & 1 else -1
        values[(hashed >> 1) % dimensions] += sign * math.sqrt(times)
    length = math.hypot(*values)
    return [value / length for value in values] if length else values


def _features(word: str) -> list[str]:
    marked = f"^{word}$"
    return [word, *(marked[place : place + _PART] for place in range(len(marked) - _PART + 1))]
