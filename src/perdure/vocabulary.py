"""Tokens of texts, offline: those of the o200k vocabulary.

Another model's own count differs by some percent. The module knows nothing else of ours, so that
the process that reads hostile files may use it too.
"""

import sys
from collections.abc import Sequence
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Protocol

# Longer texts are counted in pieces of so many characters: the library refuses a million, and each
# piece keeps other threads waiting. A cut adds a token at most.
_PIECE = 65_536


_NAME = "o200k_base"
_BINDINGS = "bpe_openai._bindings"


class Encoding(Protocol):
    """Texts to tokens and back."""

    def encode_ordinary(self, text: str) -> list[int]:
        """Special tokens in a text are text: hostile input may well hold them."""
        ...

    def decode_bytes(self, tokens: Sequence[int]) -> bytes: ...


class _Encoder(Protocol):
    """Texts to tokens only."""

    def encode(self, text: str) -> list[int]: ...


@cache
def encoding() -> Encoding:
    """The vocabulary; it takes texts of less than a million characters.

    It is for the process that cuts files: its import alone takes a second and 80 MB. To count,
    `count` will do.
    """
    import bpe_openai

    found: Encoding = bpe_openai.get_encoding(_NAME)
    return found


@cache
def _encoder() -> _Encoder:
    """What of the library is written in Rust, without its package: the import of that reads three
    vocabularies in Python, and who only counts needs none of them.
    """
    bindings = sys.modules.get(_BINDINGS)
    if bindings is None:
        package = find_spec(_BINDINGS.partition(".")[0])
        places = package.submodule_search_locations if package else None
        spec = PathFinder.find_spec(_BINDINGS, places)
        if spec is None or spec.loader is None:
            raise ImportError(f"There is no {_BINDINGS}.")
        bindings = module_from_spec(spec)
        spec.loader.exec_module(bindings)
        # where the package looks for it, if it is imported all the same
        sys.modules[_BINDINGS] = bindings
    found: _Encoder = bindings.tokenizer_for_encoding(_NAME)
    return found


def warm() -> None:
    """Loads what `count` needs, which would else be the first text's to wait for."""
    count("warm")


def count(text: str) -> int:
    """The number of tokens of a text of any length."""
    encode = _encoder().encode
    pieces = (text[at : at + _PIECE] for at in range(0, len(text), _PIECE))
    # lone surrogates, which are no text, count as question marks
    return sum(len(encode(piece.encode(errors="replace").decode())) for piece in pieces)
