"""Tokens of texts, offline: those of the o200k vocabulary.

Another model's own count differs by some percent. The module knows nothing else of ours, so that
the process that reads hostile files may use it too.
"""

from collections.abc import Sequence
from functools import cache
from typing import Protocol

# Longer texts are counted in pieces of so many characters: the library refuses a million, and each
# piece keeps other threads waiting. A cut adds a token at most.
_PIECE = 65_536


class Encoding(Protocol):
    """Texts to tokens and back."""

    def encode_ordinary(self, text: str) -> list[int]:
        """Special tokens in a text are text: hostile input may well hold them."""
        ...

    def decode_bytes(self, tokens: Sequence[int]) -> bytes: ...


@cache
def encoding() -> Encoding:
    """The vocabulary; it takes texts of less than a million characters."""
    # The import alone reads vocabularies for more than half a second: see `warm`.
    import bpe_openai

    found: Encoding = bpe_openai.get_encoding("o200k_base")
    return found


def warm() -> None:
    """Loads the vocabulary, which takes most of a second and would else be the first text's."""
    encoding().encode_ordinary("warm")


def count(text: str) -> int:
    """The number of tokens of a text of any length."""
    encode = encoding().encode_ordinary
    pieces = (text[at : at + _PIECE] for at in range(0, len(text), _PIECE))
    return sum(len(encode(piece)) for piece in pieces)
