"""Text that comes out of a sandbox in pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.sandbox.output_filter import Streams, clean_text

_PARTS = st.sampled_from(
    (
        "a",
        "\r",
        "\n",
        "\t",
        "\x1b",
        "[",
        "31",
        ";",
        " ",
        "m",
        "]",
        "0;title",
        "\x07",
        "\\",
        "\u202e",
    )
)


def _fed(pieces: list[str], stream: str = "stdout") -> str:
    streams = Streams()
    return "".join(streams.feed(stream, piece) for piece in pieces)


@given(said=st.lists(_PARTS, max_size=30).map("".join), cuts=st.sets(st.integers(0, 60)))
def test_it_does_not_matter_where_a_stream_is_cut(said: str, cuts: set[int]) -> None:
    places = sorted({0, len(said), *(cut for cut in cuts if cut < len(said))})
    pieces = [said[start:end] for start, end in pairwise(places)]
    assert _fed(pieces) == _fed([said])


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["end\r", "\n"], "end\n"),
        (["10 %\r", "20 %\r", "\n"], "10 %\r20 %\n"),
        (["\x1b[3", "1mred\x1b", "[0m"], "red"),
        (["\x1b]0;ti", "tle\x07and"], "and"),
        (["\x1b]0;ti", "tle\x1b", "\\and"], "and"),
        (["what goes on for ever is dropped so far\x1b]", "a" * 2000, "b"],
         "what goes on for ever is dropped so farb"),
    ],
)  # fmt: skip
def test_line_ends_and_escapes_in_two_pieces_are_one(pieces: list[str], shown: str) -> None:
    assert _fed(pieces) == shown


def test_values_and_notes_are_whole() -> None:
    assert _fed(["a\x1b]", "b"], "result") == "ab" == clean_text("a\x1b]") + "b"


def test_streams_do_not_mix() -> None:
    streams = Streams()
    assert streams.feed("stdout", "out\r") == "out"
    assert streams.feed("stderr", "\nerr") == "\nerr"
    assert streams.feed("stdout", "\n") == "\n"
