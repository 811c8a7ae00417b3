"""The documents that are printed from the code say what the code says now."""

import re
from pathlib import Path

import pytest

from perdure.lifecycle import STREAM_ENDS, STREAM_EVENTS, TERMINAL, Signal
from tests.docs import lifecycle
from tests.docs.compatibility import Entry, Incomplete, entries, matched, sentence, things
from tests.docs.documents import read
from tests.docs.generate import COMMAND, DOCUMENTS, printed
from tests.docs.stream_order import ANYWHERE, BEGIN, FOLLOWERS, out_of_order

TEST = "tests/docs/test_printed.py::test_a_printed_document_is_up_to_date"
# A letter that stands alone, a citation, numbers in a row, a single word.
UNREADABLE = re.compile(r"\b(?![aA]\b)[a-zA-Z]\b|\bspec\b|\d+ \d+|^\S+$")
ENTRY = Entry(here="So.", evidence="recorded", test=TEST)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_printed_document_is_up_to_date(document: str) -> None:
    assert read(document) == printed(document), f"{document} is stale: run `{COMMAND}`"


def test_every_signal_says_who_sends_it() -> None:
    assert set(lifecycle.SENDERS) == set(Signal)


def test_the_order_of_streams_knows_every_event_and_no_other() -> None:
    assert set(FOLLOWERS) == {BEGIN, *STREAM_EVENTS} - {"done", *ANYWHERE}
    followers = {name for names in FOLLOWERS.values() for name in names}
    assert followers == {*STREAM_EVENTS} - {*ANYWHERE}


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


@pytest.mark.parametrize("name", things())
def test_everything_has_an_entry_and_every_entry_is_of_something(name: str) -> None:
    assert [key for key, _ in matched(name, things()[name], entries(name))] == things()[name]


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (["id"], r"run.toml lacks \[\] and has \['status'\], which do not exist"),
        (["id", "status", "model"], r"run.toml lacks \['model'\] and has \[\], "),
    ],
)
def test_a_lacking_and_a_spare_entry_are_refused(keys: list[str], problem: str) -> None:
    with pytest.raises(Incomplete, match=problem):
        matched("run", keys, {"id": ENTRY, "status": ENTRY})


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            f'here = "So."\nevidence = "guessed"\ntest = "{TEST}"',
            "'guessed' is no kind of evidence",
        ),
        (f'here = "So."\nevidence = "recorded"\ntest = "{TEST}_ago"', "there is no test .*_ago"),
        ('here = "So."\nevidence = "recorded"\ntest = "tests/no.py::test_a"', "there is no test"),
        (f'evidence = "recorded"\ntest = "{TEST}"', "missing required field `here`"),
        (f'here = "So."\nevidence = "ours"\ntest = "{TEST}"\nmore = ""', "unknown field `more`"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, entry: str, problem: str) -> None:
    (tmp_path / "run.toml").write_text(f"[status]\n{entry}\n")
    with pytest.raises(Incomplete, match=rf"run.toml, 'status': .*{problem}"):
        entries("run", tmp_path)


@pytest.mark.parametrize("name", things())
def test_the_names_of_printed_tests_read_as_sentences(name: str) -> None:
    """They have no genitive, which a name cannot spell, and cite nothing."""
    printed = {sentence(entry.test.partition("::")[2]) for entry in entries(name).values()}
    assert [each for each in printed if UNREADABLE.search(each)] == []


@pytest.mark.parametrize(
    "function",
    ["test_the_run_s_end", "test_it_is_told_as_in_spec_04", "test_the_order_of_04_3_1", "test_it"],
)
def test_a_name_that_is_no_sentence_is_found(function: str) -> None:
    assert UNREADABLE.search(sentence(function))


def test_a_name_is_printed_as_a_sentence() -> None:
    assert sentence("test_an_old_sdk_hears_the_old_name") == "An old SDK hears the old name"
