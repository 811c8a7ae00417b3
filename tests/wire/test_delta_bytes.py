"""Deltas are on the wire byte for byte as they were recorded, whatever they carry."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure import lifecycle
from perdure.wire import events
from perdure.wire.base import encode
from perdure.wire.events import Delta, DeltaPart
from perdure.wire.messages import (
    Annotation,
    FileCitation,
    FileCitationAnnotation,
    FilePath,
    FilePathAnnotation,
)

M, S = lifecycle.MESSAGE_DELTA, lifecycle.STEP_DELTA


def cited(text: str, start: int, file_id: str) -> Annotation:
    return FileCitationAnnotation(
        text=text,
        start_index=start,
        end_index=start + len(text),
        file_citation=FileCitation(file_id=file_id),
    )


def linked(text: str, start: int, file_id: str) -> Annotation:
    path = FilePath(file_id=file_id)
    return FilePathAnnotation(
        text=text, start_index=start, end_index=start + len(text), file_path=path
    )


# Makes a delta of the id of a message or step, an index, a second index, a second id, and a text.
Make = Callable[[str, int, int, str, str], Delta]

MAKE: dict[str, Make] = {
    "first text": lambda a, i, n, b, t: events.first_text_delta(a, i).with_text(t),
    "text": lambda a, i, n, b, t: events.text_delta(a, i).with_text(t),
    "citation": lambda a, i, n, b, t: events.annotated_delta(a, i, cited(t, n, b), n, text=t),
    "link": lambda a, i, n, b, t: events.annotated_delta(a, i, linked(t, n, b), n, text=t),
    "refusal": lambda a, i, n, b, t: events.refusal_delta(a, i).with_text(t),
    "image": lambda a, i, n, b, t: events.image_part_delta(a, i, b),
    "function": lambda a, i, n, b, t: events.function_call_delta(a, i, b, t),
    "arguments": lambda a, i, n, b, t: events.arguments_delta(a, i).with_text(t),
    "search": lambda a, i, n, b, t: events.file_search_delta(a, i, b, {"ranker": t, "top": n}),
    "code": lambda a, i, n, b, t: events.code_call_delta(a, i, b),
    "code input": lambda a, i, n, b, t: events.code_input_delta(a, i).with_text(t),
    "code logs": lambda a, i, n, b, t: events.code_logs_delta(a, i, n, t),
    "code image": lambda a, i, n, b, t: events.code_image_delta(a, i, n, b),
}

# The same in bytes, with names for the values that are put in: `a` and `b` are ids, `i` and `n`
# numbers, `e` is `n` plus the length of the text `t`.
RECORDED = {
    "first text": '{"id":$a,"object":"thread.message.delta","delta":{"content":[{"index":$i,'
    '"type":"text","text":{"value":$t,"annotations":[]}}]}}',
    "text": '{"id":$a,"object":"thread.message.delta","delta":{"content":[{"index":$i,'
    '"type":"text","text":{"value":$t}}]}}',
    "citation": '{"id":$a,"object":"thread.message.delta","delta":{"content":[{"index":$i,'
    '"type":"text","text":{"annotations":[{"index":$n,"type":"file_citation","text":$t,'
    '"start_index":$n,"end_index":$e,"file_citation":{"file_id":$b,"quote":""}}],"value":$t}}]}}',
    "link": '{"id":$a,"object":"thread.message.delta","delta":{"content":[{"index":$i,'
    '"type":"text","text":{"annotations":[{"index":$n,"type":"file_path","text":$t,'
    '"start_index":$n,"end_index":$e,"file_path":{"file_id":$b}}],"value":$t}}]}}',
    "refusal": '{"id":$a,"object":"thread.message.delta","delta":{"content":[{"index":$i,'
    '"type":"refusal","refusal":$t}]}}',
    "image": '{"id":$a,"object":"thread.message.delta","delta":{"content":[{"index":$i,'
    '"type":"image_file","image_file":{"file_id":$b,"detail":"auto"}}]}}',
    "function": '{"id":$a,"object":"thread.run.step.delta","delta":{"step_details":{'
    '"type":"tool_calls","tool_calls":[{"index":$i,"id":$b,"type":"function","function":{'
    '"name":$t,"arguments":"","output":null}}]}}}',
    "arguments": '{"id":$a,"object":"thread.run.step.delta","delta":{"step_details":{'
    '"type":"tool_calls","tool_calls":[{"index":$i,"type":"function","function":{'
    '"arguments":$t}}]}}}',
    "search": '{"id":$a,"object":"thread.run.step.delta","delta":{"step_details":{'
    '"type":"tool_calls","tool_calls":[{"index":$i,"type":"file_search","id":$b,"file_search":{'
    '"ranking_options":{"ranker":$t,"top":$n},"results":[]}}]}}}',
    "code": '{"id":$a,"object":"thread.run.step.delta","delta":{"step_details":{'
    '"type":"tool_calls","tool_calls":[{"index":$i,"type":"code_interpreter","id":$b,'
    '"code_interpreter":{"input":"","outputs":[]}}]}}}',
    "code input": '{"id":$a,"object":"thread.run.step.delta","delta":{"step_details":{'
    '"type":"tool_calls","tool_calls":[{"index":$i,"type":"code_interpreter",'
    '"code_interpreter":{"input":$t}}]}}}',
    "code logs": '{"id":$a,"object":"thread.run.step.delta","delta":{"step_details":{'
    '"type":"tool_calls","tool_calls":[{"index":$i,"type":"code_interpreter",'
    '"code_interpreter":{"outputs":[{"index":$n,"type":"logs","logs":$t}]}}]}}}',
    "code image": '{"id":$a,"object":"thread.run.step.delta","delta":{"step_details":{'
    '"type":"tool_calls","tool_calls":[{"index":$i,"type":"code_interpreter",'
    '"code_interpreter":{"outputs":[{"index":$n,"type":"image","image":{"file_id":$b}}]}}]}}}',
}

PIECES = re.compile(r"(\$\w)")

# Ids of ours are plain; those of calls come from the model server.
IDS = st.from_regex(r"(msg|step)_[A-Za-z0-9]{1,24}", fullmatch=True)
TEXTS = st.text() | st.sampled_from(["\0", "\\u0000", '"}]}}', "\u2028🦊\ud7ff", "\x7f\x1f"])
INDEXES = st.integers(0, 10_000)


def test_every_kind_of_delta_is_recorded() -> None:
    assert MAKE.keys() == RECORDED.keys()


@pytest.mark.parametrize("kind", RECORDED)
@given(own=IDS, index=INDEXES, number=INDEXES, other=TEXTS, text=TEXTS)
def test_a_delta_is_byte_for_byte_as_recorded(
    kind: str, own: str, index: int, number: int, other: str, text: str
) -> None:
    values = {"a": own, "i": index, "n": number, "b": other, "t": text, "e": number + len(text)}
    expected = b"".join(
        encode(values[piece[1:]]) if piece.startswith("$") else piece.encode()
        for piece in PIECES.split(RECORDED[kind])
    )
    delta = MAKE[kind](own, index, number, other, text)
    assert delta.data() == expected
    assert delta.name == (M if '"thread.message.delta"' in RECORDED[kind] else S)
    place = number + 1 if kind in ("code logs", "code image") else 0
    assert delta.part == DeltaPart(index, place)
