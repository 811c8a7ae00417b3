"""The documents that are printed from the code say what the code says now."""

import pytest

from perdure.lifecycle import STREAM_ENDS, STREAM_EVENTS, TERMINAL
from tests.docs.documents import read
from tests.docs.generate import COMMAND, printed
from tests.docs.stream_order import ANYWHERE, BEGIN, FOLLOWERS, out_of_order


@pytest.mark.parametrize("document", printed())
def test_a_printed_document_is_up_to_date(document: str) -> None:
    assert read(document) == printed()[document], f"{document} is stale: run `{COMMAND}`"


def test_the_order_of_streams_knows_every_event_and_no_other() -> None:
    before = {BEGIN, *STREAM_EVENTS} - {"done", *ANYWHERE}
    after = {*STREAM_EVENTS} - {*ANYWHERE}
    assert set(FOLLOWERS) == before
    assert {name for names in FOLLOWERS.values() for name in names} == after


def test_what_ends_a_stream_is_followed_by_done_and_nothing_else_is() -> None:
    assert {name for name, then in FOLLOWERS.items() if "done" in then} == STREAM_ENDS
    assert {FOLLOWERS[f"thread.run.{status}"] for status in TERMINAL} == {("done",)}


def test_events_out_of_order_are_found() -> None:
    names = ["thread.run.created", "thread.run.in_progress", "thread.run.queued", "done"]
    assert out_of_order(names) == [
        ("thread.run.created", "thread.run.in_progress"),
        ("thread.run.in_progress", "thread.run.queued"),
        ("thread.run.queued", "done"),
    ]
