"""The API's error texts for requests that do not validate.

Each function returns the error for one kind of problem; its caller raises it. Sentences and codes
are those of spec 05 §3.3. `path` is the field's path, as in `tools[0].function.name`, and becomes
the error's `param`.
"""

from collections.abc import Sequence

from perdure.errors import BadRequest
from perdure.wire.base import encode

_BAD_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't "
    "using your HTTP library correctly. The API expects a JSON payload, but what was sent was "
    "not valid JSON.)"
)


def bad_json() -> BadRequest:
    return BadRequest(_BAD_JSON)


def missing(path: str) -> BadRequest:
    return BadRequest(
        f"Missing required parameter: '{path}'.", param=path, code="missing_required_parameter"
    )


def unknown(path: str) -> BadRequest:
    return BadRequest(f"Unknown parameter: '{path}'.", param=path, code="unknown_parameter")


def duplicate(path: str) -> BadRequest:
    return BadRequest(
        f"Duplicate parameter: '{path}'. You provided multiple values for this parameter, "
        "whereas only one is allowed.",
        param=path,
        code="duplicate_parameter",
    )


def wrong_type(path: str, *, expected: str, got: str) -> BadRequest:
    """Returns the error for a wrong type. `expected` and `got` carry their articles: `a string`,
    `null`.
    """
    where = f" for '{path}'" if path else ""
    return BadRequest(
        f"Invalid type{where}: expected {expected}, but got {got} instead.",
        param=path or None,
        code="invalid_type",
    )


def not_an_integer(path: str) -> BadRequest:
    """Returns the error for text that should hold an integer, as in a query."""
    return BadRequest(
        f"Invalid type for '{path}': expected an integer, but got a string value that could not "
        "be converted into an integer.",
        param=path,
        code="invalid_type",
    )


def unsupported_value(path: str, *, value: str, supported: Sequence[str]) -> BadRequest:
    return BadRequest(
        f"Invalid value: '{value}'. Supported values are: {quote_list(supported, 'and')}.",
        param=path,
        code="invalid_value",
    )


def wrong_id(path: str, *, value: str, prefix: str) -> BadRequest:
    return BadRequest(
        f"Invalid '{path}': '{value}'. Expected an ID that begins with '{prefix}'.",
        param=path,
        code="invalid_value",
    )


def mutually_exclusive(path: str, *, other: str) -> BadRequest:
    return BadRequest(
        f"Mutually exclusive parameters: '{path}' and '{other}'. Ensure you are only providing one "
        "of them.",
        param=path,
        code="mutually_exclusive_parameters",
    )


def number_above(path: str, *, kind: str, bound: float, value: float) -> BadRequest:
    """Returns the error for a number over its bound; `kind` is `integer` or `decimal`."""
    return BadRequest(
        f"Invalid '{path}': {kind} above maximum value. Expected a value <= {bound}, "
        f"but got {encode(value).decode()} instead.",
        param=path,
        code=f"{kind}_above_max_value",
    )


def number_below(path: str, *, kind: str, bound: float, value: float) -> BadRequest:
    """Returns the error for a number under its bound; `kind` is `integer` or `decimal`."""
    return BadRequest(
        f"Invalid '{path}': {kind} below minimum value. Expected a value >= {bound}, "
        f"but got {encode(value).decode()} instead.",
        param=path,
        code=f"{kind}_below_min_value",
    )


def string_too_long(path: str, *, limit: int, length: int) -> BadRequest:
    return BadRequest(
        f"Invalid '{path}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead.",
        param=path,
        code="string_above_max_length",
    )


def empty_string(path: str) -> BadRequest:
    return BadRequest(
        f"Invalid '{path}': empty string. Expected a string with minimum length 1, "
        "but got an empty string instead.",
        param=path,
        code="empty_string",
    )


def pattern_mismatch(path: str, *, pattern: str) -> BadRequest:
    return BadRequest(
        f"Invalid '{path}': string does not match pattern. "
        f"Expected a string that matches the pattern '{pattern}'.",
        param=path,
        code="invalid_value",
    )


def array_too_long(path: str, *, limit: int, length: int) -> BadRequest:
    return BadRequest(
        f"Invalid '{path}': array too long. Expected an array with maximum length {limit}, "
        f"but got an array with length {length} instead.",
        param=path,
        code="array_above_max_length",
    )


def empty_array(path: str) -> BadRequest:
    return BadRequest(
        f"Invalid '{path}': empty array. Expected an array with minimum length 1, "
        "but got an empty array instead.",
        param=path,
        code="empty_array",
    )


def too_many_properties(path: str, *, limit: int, count: int) -> BadRequest:
    return BadRequest(
        f"Invalid '{path}': too many properties. Expected an object with at most {limit} "
        f"properties, but got an object with {count} properties instead.",
        param=path,
        code="object_above_max_properties",
    )


def property_name_too_long(path: str, *, name: str, limit: int) -> BadRequest:
    """Returns the error for a long key. `path` is the object's; the text shows only the ends of the
    name.
    """
    return BadRequest(
        f"Invalid property name in '{path}': '{name[:3]}...{name[-3:]}' is too long. "
        f"Expected a string with maximum length {limit}, "
        f"but got a string with length {len(name)} instead.",
        param=f"{path}.{name}",
        code="property_name_above_max_length",
    )


def quote_list(values: Sequence[str], word: str) -> str:
    """Returns the values in a sentence, `'a'`, `'a' and 'b'` or `'a', 'b', and 'c'`, with "and" or
    "or" as the word.
    """
    return join_phrases([f"'{value}'" for value in values], word)


def join_phrases(phrases: Sequence[str], word: str) -> str:
    """Returns the phrases as a list in a sentence, with a comma before the word from three on."""
    if len(phrases) < 3:
        return f" {word} ".join(phrases)
    return f"{', '.join(phrases[:-1])}, {word} {phrases[-1]}"
