"""Tokens of texts, offline, in the o200k vocabulary.

Another model's own count differs by some percent. The module imports nothing else of ours, so that
the process that parses hostile files may use it too.
"""

import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from itertools import product
from threading import Lock
from typing import Protocol

# Longer texts are counted in blocks of so many characters, since each keeps other threads waiting.
# A cut adds a token at most.
_BLOCK_CHARACTERS = 65_536
_BINDINGS = "bpe_openai._bindings"

# What a character can begin and end with, in UTF-8, as tokens of one byte each: the first of two,
# three and four bytes; one to three others, of which not each may follow each first byte.
_BEGINNINGS = ((), (126,), (157,), (173,))
_ENDS = ((), *((byte,) * count for byte in (238, 254, 222) for count in (1, 2, 3)))


class _Tokenizer(Protocol):
    def encode(self, text: str) -> list[int]: ...

    def decode(self, tokens: Sequence[int]) -> str: ...


# The Rust part can be loaded once in a process, and several threads may count first.
_loading = Lock()


def _tokenizer() -> _Tokenizer:
    with _loading:
        return _load()


@cache
def _load() -> _Tokenizer:
    """Returns the Rust part of the library, without its package. The import of the package reads
    three vocabularies in Python, which takes a second and 80 MB, and none of them is needed.
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
    found: _Tokenizer = bindings.tokenizer_for_encoding("o200k_base")
    return found


def warm() -> None:
    """Loads the vocabulary, which the first text would otherwise wait for."""
    encode("warm")


def encode(text: str) -> list[int]:
    """Returns the tokens of a text without lone surrogates. Special tokens in it are text: hostile
    input may well hold them.
    """
    return _tokenizer().encode(text)


def decode(tokens: Sequence[int]) -> str:
    """Returns the text of neighbouring tokens. A character of which the tokens hold only a part is
    left out.
    """
    # the library decodes nothing but whole characters: so what is missing of one is added first
    for before, after in product(_BEGINNINGS, _ENDS):
        with suppress(ValueError):
            text = _tokenizer().decode([*before, *tokens, *after])
            return text[len(before) : len(text) - bool(after)]
    raise ValueError(f"tokens {tokens[:8]} and so on are of no text")


def count(text: str) -> int:
    """Returns the number of tokens of a text of any length."""
    blocks = (text[at : at + _BLOCK_CHARACTERS] for at in range(0, len(text), _BLOCK_CHARACTERS))
    # lone surrogates, which are no text, count as question marks
    return sum(len(encode(block.encode(errors="replace").decode())) for block in blocks)
