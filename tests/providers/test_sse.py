"""The decoder of server-sent events: however the bytes come, the payloads are the same."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.errors import ProviderError
from perdure.providers.sse import SSEDecoder

_LINES = st.text(
    st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20
).map(str.encode)
_PAYLOADS = st.lists(st.lists(_LINES, min_size=1, max_size=3), max_size=5)
_NOISE = st.sampled_from([b"", b": ping", b"event: x", b"id: 7", b"retry: 9", b"nonsense"])


@given(
    payloads=_PAYLOADS,
    noise=_NOISE,
    line_end=st.sampled_from([b"\n", b"\r\n"]),
    space=st.sampled_from([b"", b" "]),
    cuts=st.lists(st.integers(min_value=0, max_value=400), max_size=12),
)
def test_payloads_come_out_however_the_bytes_are_cut(
    payloads: list[list[bytes]], noise: bytes, line_end: bytes, space: bytes, cuts: list[int]
) -> None:
    # without a space of ours, one at the start of the data would be taken for it
    lines = [[line.lstrip(b" ") for line in payload] for payload in payloads]
    stream = b"".join(
        line_end.join([noise, *(b"data:" + space + line for line in payload), b"", b""])
        for payload in lines
    )
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    decoder = SSEDecoder()
    came = [
        payload for start, end in pairwise(places) for payload in decoder.feed(stream[start:end])
    ]
    # An event without data is none, as the standard has it.
    assert came == [b"\n".join(payload) for payload in lines if payload != [b""]]
    assert decoder.end() == []


def test_only_one_space_belongs_to_the_field() -> None:
    assert SSEDecoder().feed(b"data:  two\n\ndata:none\n\n") == [b" two", b"none"]


def test_the_last_event_needs_no_blank_line() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: [DONE]") == []
    assert decoder.end() == [b"[DONE]"]


@pytest.mark.parametrize("piece", [b"x" * 1000, b"\ndata: " + b"x" * 993])
def test_an_event_without_an_end_is_given_up_at_one_mebibyte(piece: bytes) -> None:
    """Neither one endless line nor endless lines of one event fill the memory."""
    decoder = SSEDecoder()
    decoder.feed(b"data: ")
    for _ in range(1024 * 1024 // 1000):
        decoder.feed(piece)
    decoder.feed(b"")
    with pytest.raises(ProviderError, match="an event without an end"):
        decoder.feed(b"\ndata: " + b"x" * 10_000)


def test_many_events_are_no_endless_event() -> None:
    decoder = SSEDecoder()
    for _ in range(3000):
        assert decoder.feed(b"data: " + b"x" * 1000 + b"\n") == []
        assert decoder.feed(b"\ndata: ") == [b"x" * 1000]
        assert decoder.feed(b"y\n\n") == [b"y"]


@given(
    st.lists(
        st.sampled_from([b"data: ", b"data:", b"\n\n", b"\n", b"\r\n", b"x", b" ", b"event: error"])
    ).map(b"".join)
)
def test_bytes_that_come_at_once_are_read_as_if_they_came_one_by_one(stream: bytes) -> None:
    at_once, one_by_one = SSEDecoder(), SSEDecoder()
    came = [payload for byte in stream for payload in one_by_one.feed(bytes([byte]))]
    assert [*at_once.feed(stream), *at_once.end()] == [*came, *one_by_one.end()]
    assert at_once.stray == one_by_one.stray
