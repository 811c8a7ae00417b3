"""The header that says where a request belongs in a distributed trace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.telemetry import traceparent
from perdure.telemetry.traceparent import Place

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def ids(size: int) -> st.SearchStrategy[str]:
    return st.binary(min_size=size, max_size=size).filter(any).map(bytes.hex)


PLACES = st.builds(Place, ids(16), ids(8), st.booleans())


@given(PLACES)
def test_what_is_written_is_read_again(place: Place) -> None:
    assert traceparent.parse(place.header) == place


@pytest.mark.parametrize(
    ("header", "place"),
    [
        (f"00-{TRACE}-{SPAN}-01", Place(TRACE, SPAN, is_sampled=True)),
        (f"00-{TRACE}-{SPAN}-fe", Place(TRACE, SPAN, is_sampled=False)),
        # a later version, of which the beginning holds
        (f"01-{TRACE}-{SPAN}-01-more", Place(TRACE, SPAN, is_sampled=True)),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE}-{SPAN}", None),
        (f"00-{TRACE}-{SPAN}-01\r\nx-other: 1", None),
        ("", None),
        (None, None),
    ],
)
def test_a_header_counts_if_it_keeps_the_rules(header: str | None, place: Place | None) -> None:
    assert traceparent.parse(header) == place


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    place = traceparent.parse(text)
    assert place is None or place.header[3:52] == text[3:52]


@given(st.none() | PLACES)
def test_every_server_finds_the_same_place_for_a_run(parent: Place | None) -> None:
    place = traceparent.of_run("run_1", parent)
    assert place == traceparent.of_run("run_1", parent)
    assert traceparent.parse(place.header) == place
    assert place.span_id != traceparent.of_run("run_2", parent).span_id
    if parent:
        assert (place.trace_id, place.is_sampled) == (parent.trace_id, parent.is_sampled)


def test_children_of_a_span_are_apart() -> None:
    place = Place(TRACE, SPAN)
    assert place.child() != place.child()
    assert place.child().trace_id == TRACE
