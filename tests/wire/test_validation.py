"""What a body is before its fields are looked at, and which problem of several is told."""

import pytest

from perdure.wire.assistants import CreateAssistant, ModifyAssistant
from perdure.wire.messages import CreateMessage
from perdure.wire.runs import CreateRun
from perdure.wire.threads import CreateThread
from perdure.wire.validation import parse
from tests.wire.test_texts import assistant, told

BAD_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't "
    "using your HTTP library correctly. The API expects a JSON payload, but what was sent was "
    "not valid JSON.)"
)


UNREADABLE = {
    "it is cut off": b'{"model":',
    "more follows": b'{"model":"m"} {}',
    "it is form data": b"model=m",
    "it has NaN": b'{"model":"m","temperature":NaN}',
    "it is not UTF-8": b'{"model":"\xff"}',
    "it has half of a surrogate pair": rb'{"model":"\ud83d"}',
    "it has a surrogate pair in the wrong order": rb'{"model":"\ude00\ud83d"}',
    "a number is beyond any double": b'{"model":"m","metadata":1e999}',
    "an unknown member is nested endlessly": b'{"model":"m","x":' + b"[" * 100_000,
    "it is nested 100 000 deep": b"[" * 100_000 + b"]" * 100_000,
    "a schema is nested 100 000 deep": (
        b'{"model":"m","response_format":{"type":"json_schema","json_schema":{"name":"n","schema":'
        + b'{"a":' * 100_000
        + b"1"
        + b"}" * 100_000
        + b"}}}"
    ),
    "a wrong key is repeated rightly": b'{"model":1,"model":"m"}',
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_body_that_is_no_json_is_told_so(case: str) -> None:
    """The message says that the body could not be parsed when …"""
    error = told(UNREADABLE[case], CreateAssistant)
    assert (error.message, error.param, error.code) == (BAD_JSON, None, None)


def test_a_repeated_key_that_fits_takes_its_last_value() -> None:
    """JSON allows repeated keys; as everywhere, the last one counts."""
    assert parse(b'{"model":"a","model":"b"}', CreateAssistant).model == "b"


@pytest.mark.parametrize("text", [b"", b" \r\n\t", b"null", b" null\n", b"{}"])
def test_no_body_is_an_empty_object(text: bytes) -> None:
    """POST /threads without a body makes an empty thread (spec 02 §5)."""
    assert parse(text, CreateThread) == CreateThread()


def test_no_body_lacks_what_is_required() -> None:
    assert told(b"", CreateRun).message == "Missing required parameter: 'assistant_id'."


ORDER = {
    "missing before unknown": (CreateAssistant, {"x": 1}, "model"),
    "missing before a wrong type": (CreateMessage, {"role": 1}, "content"),
    "unknown before a wrong type": (CreateAssistant, {"model": 1, "x": 1}, "x"),
    "unknown before a member's missing": (CreateAssistant, assistant(tools=[{}], x=1), "x"),
    "the first missing of two": (CreateMessage, {}, "role"),
    "fields in the API's order, not the body's": (
        CreateAssistant,
        {"name": 2, "model": 1},
        "model",
    ),
    "a member's missing before the next field": (
        CreateAssistant,
        {"temperature": 9, "tools": [{}], "model": "m"},
        "tools[0].type",
    ),
    "the first item of two": (CreateAssistant, assistant(tools=[1, 2]), "tools[0]"),
    "bounds before items": (CreateAssistant, assistant(tools=[1] * 129), "tools"),
    "the tag before the members": (
        CreateAssistant,
        assistant(tools=[{"type": "x", "y": 1}]),
        "tools[0].type",
    ),
    "the missing of the tagged kind before its unknown": (
        CreateAssistant,
        assistant(tools=[{"type": "function", "y": 1}]),
        "tools[0].function",
    ),
    "too many pairs before a bad value": (
        CreateThread,
        {"metadata": {f"k{n}": 1 for n in range(17)}},
        "metadata",
    ),
}


@pytest.mark.parametrize("case", ORDER)
def test_of_several_problems_the_first_is_told(case: str) -> None:
    """A body with two problems is answered with …"""
    kind, body, param = ORDER[case]
    assert told(body, kind).param == param


def test_a_schema_of_any_shape_does_not_stand_in_the_way_of_what_is_wrong_elsewhere() -> None:
    function = {"name": "f", "parameters": {"type": "object", "required": ["a", {"b": [1]}]}}
    tools = [{"type": "function", "function": function}]
    wrong = {"model": "m", "tools": tools, "temperature": "warm"}
    assert told(wrong, CreateAssistant).param == "temperature"


def test_absent_and_null_stay_apart_in_a_modify_request() -> None:
    """Absent keeps and null clears, so the struct must know which it was (spec 02 §4)."""
    body = parse(b'{"name":null}', ModifyAssistant)
    assert body == ModifyAssistant(name=None)
    assert body != ModifyAssistant()
