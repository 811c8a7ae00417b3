"""Every problem of the validation family is told in the API's own words (spec 05 §3.3)."""

import json

import pytest

from perdure.errors import BadRequest
from perdure.wire.assistants import CreateAssistant, ModifyAssistant
from perdure.wire.messages import CreateMessage
from perdure.wire.runs import CreateRun, CreateThreadAndRun, SubmitToolOutputs
from perdure.wire.search import SearchRequest
from perdure.wire.threads import CreateThread
from perdure.wire.validation import parse


def told(body: object, kind: type[object]) -> BadRequest:
    """The error for a body, which is JSON text or will be."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(BadRequest) as caught:
        parse(text, kind)
    return caught.value


def assistant(**members: object) -> dict[str, object]:
    return {"model": "m", **members}


def run(**members: object) -> dict[str, object]:
    return {"assistant_id": "asst_1", **members}


def function(**members: object) -> dict[str, object]:
    return assistant(tools=[{"type": "function", "function": members}])


REFUSED = {
    "a required parameter is missing": (
        CreateRun,
        {},
        "Missing required parameter: 'assistant_id'.",
        "assistant_id",
        "missing_required_parameter",
    ),
    "a required member is missing": (
        CreateThread,
        {"messages": [{"role": "user", "content": "hi"}, {"role": "user"}]},
        "Missing required parameter: 'messages[1].content'.",
        "messages[1].content",
        "missing_required_parameter",
    ),
    "a tool has no type": (
        CreateAssistant,
        assistant(tools=[{}]),
        "Missing required parameter: 'tools[0].type'.",
        "tools[0].type",
        "missing_required_parameter",
    ),
    "a function tool has no function": (
        CreateAssistant,
        assistant(tools=[{"type": "function"}]),
        "Missing required parameter: 'tools[0].function'.",
        "tools[0].function",
        "missing_required_parameter",
    ),
    "a parameter is unknown": (
        CreateAssistant,
        assistant(x=1),
        "Unknown parameter: 'x'.",
        "x",
        "unknown_parameter",
    ),
    "messages no longer have file_ids": (
        CreateMessage,
        {"role": "user", "content": "hi", "file_ids": ["file-1"]},
        "Unknown parameter: 'file_ids'.",
        "file_ids",
        "unknown_parameter",
    ),
    "a member is unknown": (
        CreateThread,
        {"tool_resources": {"retrieval": {}}},
        "Unknown parameter: 'tool_resources.retrieval'.",
        "tool_resources.retrieval",
        "unknown_parameter",
    ),
    "a metadata value is no string": (
        CreateThread,
        {"metadata": {"modified": True}},
        "Invalid type for 'metadata.modified': expected a string, but got a boolean instead.",
        "metadata.modified",
        "invalid_type",
    ),
    "null stands where it may not": (
        CreateAssistant,
        {"model": None},
        "Invalid type for 'model': expected a string, but got null instead.",
        "model",
        "invalid_type",
    ),
    "an integer has a fraction": (
        CreateRun,
        run(max_prompt_tokens=300.5),
        (
            "Invalid type for 'max_prompt_tokens': expected an integer, "
            "but got a decimal number instead."
        ),
        "max_prompt_tokens",
        "invalid_type",
    ),
    "an integer is written as a decimal": (
        CreateRun,
        run(max_prompt_tokens=300.0),
        (
            "Invalid type for 'max_prompt_tokens': expected an integer, "
            "but got a decimal number instead."
        ),
        "max_prompt_tokens",
        "invalid_type",
    ),
    "a decimal is a string": (
        CreateRun,
        run(temperature="1"),
        "Invalid type for 'temperature': expected a decimal, but got a string instead.",
        "temperature",
        "invalid_type",
    ),
    "a boolean is an integer": (
        CreateRun,
        run(stream=1),
        "Invalid type for 'stream': expected a boolean, but got an integer instead.",
        "stream",
        "invalid_type",
    ),
    "a string is an array": (
        CreateRun,
        {"assistant_id": []},
        "Invalid type for 'assistant_id': expected a string, but got an array instead.",
        "assistant_id",
        "invalid_type",
    ),
    "an array of objects is an object": (
        CreateAssistant,
        assistant(tools={}),
        "Invalid type for 'tools': expected an array of objects, but got an object instead.",
        "tools",
        "invalid_type",
    ),
    "an array of strings is a string": (
        CreateThread,
        {"tool_resources": {"code_interpreter": {"file_ids": "file-1"}}},
        (
            "Invalid type for 'tool_resources.code_interpreter.file_ids': "
            "expected an array of strings, but got a string instead."
        ),
        "tool_resources.code_interpreter.file_ids",
        "invalid_type",
    ),
    "an item is no object": (
        CreateAssistant,
        assistant(tools=["function"]),
        "Invalid type for 'tools[0]': expected an object, but got a string instead.",
        "tools[0]",
        "invalid_type",
    ),
    "content is neither a string nor an array": (
        CreateMessage,
        {"role": "user", "content": 7},
        (
            "Invalid type for 'content': expected one of a string or array of objects, "
            "but got an integer instead."
        ),
        "content",
        "invalid_type",
    ),
    "an enum is no string": (
        CreateRun,
        run(truncation_strategy={"type": 1}),
        (
            "Invalid type for 'truncation_strategy.type': "
            "expected one of 'auto' or 'last_messages', but got an integer instead."
        ),
        "truncation_strategy.type",
        "invalid_type",
    ),
    "a tag is no string": (
        CreateAssistant,
        assistant(tools=[{"type": 1}]),
        (
            "Invalid type for 'tools[0].type': expected one of 'code_interpreter', 'file_search', "
            "or 'function', but got an integer instead."
        ),
        "tools[0].type",
        "invalid_type",
    ),
    "the tag of a format is no string": (
        CreateAssistant,
        assistant(response_format={"type": 1}),
        (
            "Invalid type for 'response_format.type': expected one of 'json_object', "
            "'json_schema', or 'text', but got an integer instead."
        ),
        "response_format.type",
        "invalid_type",
    ),
    # the doubled "one of" was measured on the live service
    "tool_choice is neither a word nor an object": (
        CreateRun,
        run(tool_choice=7),
        (
            "Invalid type for 'tool_choice': expected one of one of 'none', 'auto', or 'required' "
            "or object, but got an integer instead."
        ),
        "tool_choice",
        "invalid_type",
    ),
    "response_format is neither auto nor an object": (
        CreateAssistant,
        assistant(response_format=7),
        (
            "Invalid type for 'response_format': expected one of 'auto' or object, "
            "but got an integer instead."
        ),
        "response_format",
        "invalid_type",
    ),
    "the body is an array": (
        CreateAssistant,
        [],
        "Invalid type: expected an object, but got an array instead.",
        None,
        "invalid_type",
    ),
    "a value of three is none of them": (
        CreateRun,
        run(tool_choice="bogus"),
        "Invalid value: 'bogus'. Supported values are: 'none', 'auto', and 'required'.",
        "tool_choice",
        "invalid_value",
    ),
    "a value of two is neither": (
        CreateMessage,
        {"role": "system", "content": "hi"},
        "Invalid value: 'system'. Supported values are: 'user' and 'assistant'.",
        "role",
        "invalid_value",
    ),
    "the tool retrieval is gone": (
        CreateAssistant,
        assistant(tools=[{"type": "retrieval"}]),
        (
            "Invalid value: 'retrieval'. "
            "Supported values are: 'code_interpreter', 'file_search', and 'function'."
        ),
        "tools[0].type",
        "invalid_value",
    ),
    "a content part is of no known type": (
        CreateMessage,
        {"role": "user", "content": [{"type": "audio"}]},
        "Invalid value: 'audio'. Supported values are: 'image_file', 'image_url', and 'text'.",
        "content[0].type",
        "invalid_value",
    ),
    "an integer is too large": (
        CreateAssistant,
        assistant(tools=[{"type": "file_search", "file_search": {"max_num_results": 51}}]),
        (
            "Invalid 'tools[0].file_search.max_num_results': integer above maximum value. "
            "Expected a value <= 50, but got 51 instead."
        ),
        "tools[0].file_search.max_num_results",
        "integer_above_max_value",
    ),
    "an integer is too small": (
        CreateRun,
        run(truncation_strategy={"type": "last_messages", "last_messages": 0}),
        (
            "Invalid 'truncation_strategy.last_messages': integer below minimum value. "
            "Expected a value >= 1, but got 0 instead."
        ),
        "truncation_strategy.last_messages",
        "integer_below_min_value",
    ),
    "a decimal is too large": (
        CreateAssistant,
        assistant(temperature=3),
        (
            "Invalid 'temperature': decimal above maximum value. "
            "Expected a value <= 2, but got 3 instead."
        ),
        "temperature",
        "decimal_above_max_value",
    ),
    "a decimal is far too large for a double": (
        CreateAssistant,
        b'{"model":"m","top_p":1' + b"0" * 400 + b"}",
        (
            "Invalid 'top_p': decimal above maximum value. "
            f"Expected a value <= 1, but got 1{'0' * 400} instead."
        ),
        "top_p",
        "decimal_above_max_value",
    ),
    "a decimal is too small": (
        CreateAssistant,
        assistant(top_p=-0.5),
        (
            "Invalid 'top_p': decimal below minimum value. "
            "Expected a value >= 0, but got -0.5 instead."
        ),
        "top_p",
        "decimal_below_min_value",
    ),
    "a string is too long": (
        CreateAssistant,
        assistant(name="n" * 300),
        (
            "Invalid 'name': string too long. Expected a string with maximum length 256, "
            "but got a string with length 300 instead."
        ),
        "name",
        "string_above_max_length",
    ),
    "a string is empty": (
        CreateMessage,
        {"role": "user", "content": ""},
        (
            "Invalid 'content': empty string. Expected a string with minimum length 1, "
            "but got an empty string instead."
        ),
        "content",
        "empty_string",
    ),
    "a function's name is empty": (
        CreateAssistant,
        function(name=""),
        (
            "Invalid 'tools[0].function.name': empty string. "
            "Expected a string with minimum length 1, but got an empty string instead."
        ),
        "tools[0].function.name",
        "empty_string",
    ),
    "a function's name has a space": (
        CreateAssistant,
        function(name="get weather"),
        (
            "Invalid 'tools[0].function.name': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        ),
        "tools[0].function.name",
        "invalid_value",
    ),
    "a function's name ends with a line end": (
        CreateAssistant,
        function(name="get_weather\n"),
        (
            "Invalid 'tools[0].function.name': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        ),
        "tools[0].function.name",
        "invalid_value",
    ),
    "an array is too long": (
        CreateAssistant,
        assistant(tools=[{"type": "code_interpreter"}] * 129),
        (
            "Invalid 'tools': array too long. Expected an array with maximum length 128, "
            "but got an array with length 129 instead."
        ),
        "tools",
        "array_above_max_length",
    ),
    "a thread begins with more than 32 messages": (
        CreateThread,
        {"messages": [{"role": "user", "content": "hi"}] * 33},
        (
            "Invalid 'messages': array too long. Expected an array with maximum length 32, "
            "but got an array with length 33 instead."
        ),
        "messages",
        "array_above_max_length",
    ),
    "a search has more than 32 queries": (
        SearchRequest,
        {"query": [*["bees"] * 32, 1]},
        (
            "Invalid 'query': array too long. Expected an array with maximum length 32, "
            "but got an array with length 33 instead."
        ),
        "query",
        "array_above_max_length",
    ),
    "a comparison has more than 1000 values": (
        SearchRequest,
        {"query": "bees", "filters": {"type": "nin", "key": "k", "value": [*range(1000), None]}},
        (
            "Invalid 'filters.value': array too long. Expected an array with maximum length "
            "1000, but got an array with length 1001 instead."
        ),
        "filters.value",
        "array_above_max_length",
    ),
    "a filter has more than 100 parts": (
        SearchRequest,
        {"query": "bees", "filters": {"type": "or", "filters": [None] * 101}},
        (
            "Invalid 'filters.filters': array too long. Expected an array with maximum length "
            "100, but got an array with length 101 instead."
        ),
        "filters.filters",
        "array_above_max_length",
    ),
    "an array is empty": (
        CreateMessage,
        {"role": "user", "content": []},
        (
            "Invalid 'content': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead."
        ),
        "content",
        "empty_array",
    ),
    "metadata has too many pairs": (
        CreateThread,
        {"metadata": {f"k{n}": "v" for n in range(17)}},
        (
            "Invalid 'metadata': too many properties. "
            "Expected an object with at most 16 properties, "
            "but got an object with 17 properties instead."
        ),
        "metadata",
        "object_above_max_properties",
    ),
    "a metadata key is too long": (
        CreateThread,
        {"metadata": {"a" * 35 + "b" * 35: "v"}},
        (
            "Invalid property name in 'metadata': 'aaa...bbb' is too long. "
            "Expected a string with maximum length 64, but got a string with length 70 instead."
        ),
        "metadata." + "a" * 35 + "b" * 35,
        "property_name_above_max_length",
    ),
    "a metadata value is too long": (
        CreateThreadAndRun,
        run(thread={"metadata": {"k": "v" * 513}}),
        (
            "Invalid 'thread.metadata.k': string too long. "
            "Expected a string with maximum length 512, but got a string with length 513 instead."
        ),
        "thread.metadata.k",
        "string_above_max_length",
    ),
    "a tool output belongs to no call": (
        SubmitToolOutputs,
        {"tool_outputs": [{"output": "1"}]},
        "Missing required parameter: 'tool_outputs[0].tool_call_id'.",
        "tool_outputs[0].tool_call_id",
        "missing_required_parameter",
    ),
    "a value to modify may not be null": (
        ModifyAssistant,
        {"tools": None},
        "Invalid type for 'tools': expected an array of objects, but got null instead.",
        "tools",
        "invalid_type",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_problem_is_told_word_by_word(case: str) -> None:
    """Message, param and code are those of the API when …"""
    kind, body, message, param, code = REFUSED[case]
    error = told(body, kind)
    assert (error.message, error.param, error.code) == (message, param, code)
    assert (error.status, error.type) == (400, "invalid_request_error")
