"""Cuts a text into overlapping chunks of so many tokens (spec 01 §2.5), offline.

A chunk ends where a reader would pause: at a paragraph, else a sentence, a line, a word, and only
then anywhere. Tokens are those of the o200k vocabulary. Time grows with the length of the text and
with nothing else that the text holds; memory is that of a chunk.
"""

import re
from collections.abc import Callable, Iterator

import msgspec

from perdure.vocabulary import decode, encode

# Fewer tokens could not hold every single character.
FEWEST_TOKENS = 16

# What is looked at for the end of a chunk, in characters for each token: more than English has.
_CHARACTERS_PER_TOKEN = 5
# No chunk is longer, whatever its tokens: 128 spaces are one. The library refuses a million.
_LONGEST = 400_000

# Behind more white space than that, a chunk repeats no heading.
_WIDEST_GAP = 8

_VISIBLE = re.compile(r"\S")
_JOINED = re.compile(r"[\u0300-\u036f\u200d\ufe0f\U0001f3fb-\U0001f3ff]|(?<=\u200d).", re.DOTALL)
# Where one may cut, the best first. A match ends at the cut.
_BORDERS = (
    re.compile(r"\n\s*\n"),
    re.compile(r"[.!?…][\"'”’»)\]]{0,3}(?=\s)|[。！？｡][”’」』）]{0,3}"),  # noqa: RUF001
    re.compile(r"\n"),
    re.compile(r"\s+"),
)


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """A piece of a text, up to the character `end`, and how many tokens it has.

    It may begin with a heading of so many characters, which is repeated from earlier in the text
    and counts in `start` and `tokens` as though it stood right before the piece.
    """

    text: str
    start: int
    end: int
    tokens: int
    heading: int = 0


def _no_heading(_start: int) -> str:
    return ""


def chunks(
    text: str,
    *,
    max_tokens: int = 800,
    overlap: int = 400,
    heading_at: Callable[[int], str] = _no_heading,
) -> Iterator[Chunk]:
    """Cuts a text into chunks of at most `max_tokens`, of which two neighbours share at most
    `overlap`.

    `heading_at` gives what a chunk repeats that begins at a place in the text: lines of at most a
    quarter of `max_tokens`.
    All that is visible in the text is in a chunk; chunks neither begin nor end with white space.
    A text without anything visible has none. The text holds no lone surrogates.
    """
    if max_tokens < FEWEST_TOKENS:
        raise ValueError(f"max_tokens must be at least {FEWEST_TOKENS}, not {max_tokens}")
    if not 0 <= overlap <= max_tokens // 2:
        raise ValueError(f"overlap must be from 0 to half of max_tokens, not {overlap}")
    # `fresh` is the first visible character that is in no chunk yet
    start = fresh = _next_visible(text, 0)
    covered = 0
    while fresh < len(text):
        heading = _apart(heading_at(start), start - covered)
        chunk = _cut(text, start, fresh, max_tokens, heading)
        if chunk is None:  # only white space fits behind the overlap
            start = fresh
            continue
        yield chunk
        covered = chunk.end
        fresh = _next_visible(text, chunk.end)
        start = _next_visible(text, _restart(chunk, overlap))


def _apart(heading: str, gap: int) -> str:
    """A heading with the line breaks that follow it.

    They make up for white space that is in no chunk: where the chunks of a file are put together
    again, what a chunk has before `covered` is taken away, and that must not be half a heading.
    """
    return heading + "\n" * max(gap, 1) if heading and gap <= _WIDEST_GAP else ""


def _cut(text: str, start: int, fresh: int, max_tokens: int, heading: str) -> Chunk | None:
    """The chunk that begins at `start`, or None if it would not get as far as `fresh`."""
    budget = max_tokens - len(encode(heading))
    while True:
        limit = _reach(text, start, budget)
        end = limit if limit == len(text) else _last_border(text, fresh, limit)
        piece = text[start:end].rstrip()
        if start + len(piece) <= fresh:
            return None
        headed = heading + piece
        tokens = len(encode(headed))
        if tokens <= max_tokens:
            end = start + len(piece)
            return Chunk(headed, end - len(headed), end, tokens, len(heading))
        # alone, a piece may have more tokens than within its text
        budget -= tokens - max_tokens


def _reach(text: str, start: int, tokens: int) -> int:
    """The end of the text that has so many tokens."""
    size = tokens * _CHARACTERS_PER_TOKEN
    while True:
        size = min(size, _LONGEST)
        found = encode(text[start : start + size])
        if len(found) > tokens:
            return start + len(decode(found[:tokens]))
        if start + size >= len(text) or size == _LONGEST:
            return min(start + size, len(text))
        size *= 2


def _last_border(text: str, fresh: int, limit: int) -> int:
    """The best place to cut in the later half of what is new; the later of two equal ones."""
    low = fresh + (limit - fresh) // 2
    for border in _BORDERS:
        # one character more, for borders that look ahead
        ends = [found.end() for found in border.finditer(text, low, limit + 1)]
        if found := [end for end in ends if low < end <= limit]:
            return found[-1]
    joined = limit
    while joined > low and _JOINED.match(text, joined):
        joined -= 1
    return joined if joined > low else limit


def _restart(chunk: Chunk, overlap: int) -> int:
    """The beginning of the next chunk: at the best border of the earlier half of the overlap."""
    if not overlap:
        return chunk.end
    piece = chunk.text[chunk.heading :]
    found = encode(piece)
    budget = min(overlap, len(found) - 1)
    while budget > 0:
        at = _first_border(piece, len(piece) - len(decode(found[-budget:])))
        tokens = len(encode(piece[at:]))
        if tokens <= overlap:
            return chunk.end - len(piece) + at
        budget -= tokens - overlap
    return chunk.end


def _first_border(text: str, low: int) -> int:
    high = low + (len(text) - low) // 2
    for border in _BORDERS:
        if found := border.search(text, low - 1, high):
            return _next_visible(text, found.end())
    return _next_visible(text, low)


def _next_visible(text: str, at: int) -> int:
    found = _VISIBLE.search(text, at)
    return found.start() if found else len(text)
