"""The reader of answers by itself: no cut of the bytes changes what it reads, no bytes break it."""

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.errors import PromptTooLong
from perdure.providers.answers import AnswerReader
from perdure.providers.faults import AnsweringServer
from perdure.wire.base import encode
from perdure.wire.chat import ChatChunk
from tests.model_servers.endings import ERRORS
from tests.model_servers.pieces import DONE, STOP, TEXT, TOLD_USAGE, WORDS, chunk, event

ORIGIN = AnsweringServer("http://m", "m", "sk-secret")
CALL = chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f"}}]})
WHOLE = encode({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]})
STREAMS = {
    "events": [*TEXT, STOP, TOLD_USAGE, DONE],
    "calls": [CALL, chunk({}, "tool_calls"), DONE],
    "without an end": TEXT,
    "one piece": [WHOLE],
    "lines": [piece.removeprefix(b"data: ") for piece in (*TEXT, STOP)],
    "page": [b"\n<html></html>"],
    **{form: [*TEXT[:3], tell("It died."), DONE] for form, tell in ERRORS.items()},
}


def read(pieces: Iterable[bytes]) -> tuple[list[ChatChunk], str]:
    """All chunks of an answer, and what its failure says."""
    reader, chunks = AnswerReader(ORIGIN), []
    for piece in pieces:
        chunks += reader.feed(piece)
        if reader.has_ended:
            break
    chunks += reader.end()
    return chunks, reader.failure.message if reader.failure else ""


def text(chunks: Iterable[ChatChunk]) -> str:
    return "".join(choice.delta.content or "" for each in chunks for choice in each.choices)


def cut(data: bytes, places: Iterable[int]) -> Iterator[bytes]:
    ends = sorted({0, len(data), *(min(place, len(data)) for place in places)})
    return (data[start:end] for start, end in pairwise(ends))


@given(
    name=st.sampled_from(sorted(STREAMS)),
    line_end=st.sampled_from([b"\n", b"\r\n"]),
    places=st.lists(st.integers(min_value=0, max_value=1500), max_size=12),
)
def test_an_answer_is_the_same_however_its_bytes_are_cut(
    name: str, line_end: bytes, places: list[int]
) -> None:
    data = b"".join(STREAMS[name])
    expected = read([data])
    assert read(cut(data.replace(b"\n", line_end), places)) == expected
    assert expected[0] or expected[1]


@given(
    said=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
    as_bytes=st.booleans(),
    places=st.lists(st.integers(min_value=0, max_value=48), max_size=20),
)
def test_a_text_that_is_cut_inside_of_characters_comes_whole(
    said: str, *, as_bytes: bool, places: list[int]
) -> None:
    """Between the halves of an escape, or between the bytes of UTF-8."""
    coding = "utf-8" if as_bytes else "utf-16-be"
    whole = said.encode(coding)
    step = 1 if as_bytes else 2
    pieces = [piece for piece in cut(whole, (place * step for place in places)) if piece]
    chunks, failure = read([*map(_bytes if as_bytes else _escapes, pieces), STOP, DONE])
    assert (text(chunks), failure) == (said, "")


def _escapes(units: bytes) -> bytes:
    escaped = "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
    return f'data: {{"choices":[{{"delta":{{"content":"{escaped}"}}}}]}}\n\n'.encode()


def _bytes(piece: bytes) -> bytes:
    """As JSON has it: what it escapes is not cut."""
    quoted = {b'"': b'\\"', b"\\": b"\\\\"}
    raw = b"".join(
        quoted.get(each, b"\\u%04x" % each[0] if each[0] < 32 else each)
        for each in (piece[at : at + 1] for at in range(len(piece)))
    )
    return b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % raw


def test_the_arguments_of_two_calls_are_joined_each_for_itself() -> None:
    """Their fragments are mixed, and both are cut inside of a character."""
    halves = [(0, "\\ud83d"), (1, "\\ud83c"), (0, "\\ude42"), (1, "\\udf89")]
    pieces = [
        f'data: {{"choices":[{{"delta":{{"tool_calls":[{{"index":{index},"id":"c{index}",'
        f'"function":{{"name":"f","arguments":"{half}"}}}}]}}}}]}}\n\n'.encode()
        for index, half in halves
    ]
    chunks, failure = read([*pieces, chunk({}, "tool_calls"), DONE])
    written = {0: "", 1: ""}
    for each in chunks:
        for choice in each.choices:
            for call in choice.delta.tool_calls or ():
                assert call.function is not None
                assert call.index is not None
                written[call.index] += call.function.arguments or ""
    assert (written, failure) == ({0: "🙂", 1: "🎉"}, "")


def test_half_a_character_that_nothing_follows_is_left_out() -> None:
    torn = b'data: {"choices":[{"delta":{"content":"Hello\\ud83d"}}]}\n\n'
    chunks, failure = read([torn, STOP, DONE])
    assert (text(chunks), failure) == ("Hello", "")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "message", "content", "tool_calls", "function", "name",
                 "arguments", "index", "id", "finish_reason", "usage", "error", "code", "text",
                 "function_call", "prompt_tokens", "object", "refusal", "detail"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip
LINES = (
    JSON.map(lambda value: event(value))
    | JSON.map(lambda value: json.dumps(value).encode() + b"\n")
    | st.binary(max_size=20)
    | st.binary(max_size=20).map(lambda data: b"data: " + data + b"\n\n")
    | st.sampled_from([*TEXT, STOP, DONE, b"event: error\n", b"error: ", b"\n"])
)


@given(lines=st.lists(LINES, max_size=8))
def test_whatever_comes_it_is_chunks_and_at_most_one_sentence(lines: list[bytes]) -> None:
    """No exception, no half read object, and text only where it was text."""
    chunks, failure = read(lines)
    assert all(each.choices or each.usage for each in chunks)
    assert all(
        choice.finish_reason in (None, "stop", "length", "tool_calls", "content_filter")
        for each in chunks
        for choice in each.choices
    )
    assert all(each.usage.prompt_tokens > 0 for each in chunks if each.usage)
    assert failure == "" or len(failure) > 10
    encode(chunks)


@pytest.mark.parametrize("form", ERRORS)
def test_a_prompt_that_is_too_long_is_understood_in_any_form(form: str) -> None:
    reader = AnswerReader(ORIGIN)
    reader.feed(ERRORS[form]("This model's maximum context length is 8192 tokens.") + DONE)
    reader.end()
    assert isinstance(reader.failure, PromptTooLong)
    assert reader.failure.limit == 8192


@pytest.mark.parametrize("form", ERRORS)
def test_no_form_of_an_error_brings_the_key_to_light(form: str) -> None:
    _, failure = read([ERRORS[form]("The key sk-secret is wrong.")])
    assert "The key *** is wrong." in failure


def test_a_server_that_never_stops_is_stopped() -> None:
    reader = AnswerReader(ORIGIN)
    piece = chunk({"content": "x" * 600_000})
    while not reader.has_ended:
        reader.feed(piece)
    assert reader.failure is not None
    assert reader.failure.message == "The answer of the model server at http://m has no end."


def test_what_stands_behind_the_end_is_not_read() -> None:
    chunks, failure = read([*TEXT, STOP, DONE, *TEXT, event({"error": "Too late."})])
    assert (text(chunks), failure) == ("".join(WORDS), "")
