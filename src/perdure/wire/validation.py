"""Validation of request bodies: one fast path decodes, and a second pass explains a refusal.

msgspec decides what fits. A body that it refuses is decoded once more, to plain data, and walked
against the same annotations to find the first problem in the order of the API (spec 05 §3.3): in
each object all missing fields, then unknown ones, then the values in field order, each with its
members.
"""

import re
from collections.abc import Sequence
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Literal,
    NamedTuple,
    NoReturn,
    TypeGuard,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

import msgspec
from msgspec import Meta, UnsetType

from perdure.wire import azure, refusals
from perdure.wire.base import decode

T = TypeVar("T")

# RecursionError: nested deeper than any real body
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def parse(text: bytes, kind: type[T]) -> T:
    """Returns the request body as a struct; an empty body and `null` mean `{}` (spec 02 §5).

    Raises `BadRequest` with the API's text for the first problem.
    """
    body = b"{}" if text.strip() in (b"", b"null") else text
    try:
        return decode(body, kind)
    except _UNREADABLE:
        _explain(body, kind)


def _explain(body: bytes, kind: object) -> NoReturn:
    """Raises the problem of a body that msgspec refused."""
    try:
        plain: object = msgspec.json.decode(body)
    except _UNREADABLE as error:
        raise refusals.bad_json() from error
    _check(plain, kind, "")
    # the walk sees the last value of a repeated key, and msgspec refused an earlier one
    raise refusals.bad_json()


class _Kind(NamedTuple):
    """One alternative of an annotation; its bounds stand apart from its type."""

    type: object
    bounds: Meta


@cache
def _kinds(annotation: object) -> tuple[_Kind, ...]:
    """Returns the alternatives of an annotation."""
    if get_origin(annotation) in (Union, UnionType):
        members = (member for member in get_args(annotation) if member is not UnsetType)
        return tuple(kind for member in members for kind in _kinds(member))
    if get_origin(annotation) is Annotated:
        inner, bounds = get_args(annotation)
        return (_Kind(inner, bounds),)
    return (_Kind(annotation, Meta()),)


@cache
def _fields(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(struct)


def _check(value: object, annotation: object, path: str) -> None:
    """Raises the first problem that a value has with its annotation, if any."""
    kinds = _kinds(annotation)
    fitting = [kind for kind in kinds if _fits(value, kind.type)]
    if not fitting:
        raise refusals.wrong_type(path, expected=_expected(kinds), got=_got(value))
    kind, bounds = fitting[0]
    match value:
        case str():
            _check_string(value, kind, bounds, path)
        case int() | float():
            _check_number(value, kind, bounds, path)
        case list() if kind is not object:
            _check_array(value, kind, bounds, path)
        case dict() if get_origin(kind) is dict:
            _check_map(value, kind, bounds, path)
        case dict() if kind is not object:
            _check_struct(value, [kind.type for kind in fitting], path)


def _check_string(value: str, kind: object, bounds: Meta, path: str) -> None:
    if get_origin(kind) is Literal and value not in get_args(kind):
        raise refusals.unsupported_value(path, value=value, supported=get_args(kind))
    # every minimum of the API is 1
    if bounds.min_length and not value:
        raise refusals.empty_string(path)
    if bounds.max_length is not None and len(value) > bounds.max_length:
        raise refusals.string_too_long(path, limit=bounds.max_length, length=len(value))
    if bounds.pattern is not None and not re.search(bounds.pattern, value):
        # the API shows $ for what Python spells \Z
        raise refusals.pattern_mismatch(path, pattern=bounds.pattern.replace(r"\Z", "$"))


def _check_number(value: float, kind: object, bounds: Meta, path: str) -> None:
    name = "integer" if kind is int else "decimal"
    if bounds.le is not None and value > bounds.le:
        raise refusals.number_above(path, kind=name, bound=bounds.le, value=value)
    if bounds.ge is not None and value < bounds.ge:
        raise refusals.number_below(path, kind=name, bound=bounds.ge, value=value)


def _check_array(value: list[object], kind: object, bounds: Meta, path: str) -> None:
    if bounds.min_length and not value:
        raise refusals.empty_array(path)
    if bounds.max_length is not None and len(value) > bounds.max_length:
        raise refusals.array_too_long(path, limit=bounds.max_length, length=len(value))
    (item,) = get_args(kind)
    for index, member in enumerate(value):
        _check(member, item, f"{path}[{index}]")


def _check_map(value: dict[str, object], kind: object, bounds: Meta, path: str) -> None:
    if bounds.max_length is not None and len(value) > bounds.max_length:
        raise refusals.too_many_properties(path, limit=bounds.max_length, count=len(value))
    name_type, member_type = get_args(kind)
    limit = _kinds(name_type)[0].bounds.max_length
    for name, member in value.items():
        if limit is not None and len(name) > limit:
            raise refusals.property_name_too_long(path, name=name, limit=limit)
        _check(member, member_type, _below(path, name))


def _check_struct(value: dict[str, object], kinds: Sequence[object], path: str) -> None:
    struct = _chosen(value, [kind for kind in kinds if _is_struct(kind)], path)
    fields = _fields(struct)
    known = {field.name for field in fields} | {struct.__struct_config__.tag_field}
    unknown = [name for name in value if name not in known]
    for name in unknown:
        if refusal := azure.refusal_of_key(_below(path, name), name):
            raise refusal
    for field in fields:
        if field.required and field.name not in value:
            raise refusals.missing(_below(path, field.name))
    if unknown:
        raise refusals.unknown(_below(path, unknown[0]))
    for field in fields:
        if field.name in value:
            _check(value[field.name], field.type, _below(path, field.name))


def _chosen(
    value: dict[str, object], structs: Sequence[type[msgspec.Struct]], path: str
) -> type[msgspec.Struct]:
    """Returns the struct that the object's tag names, or the only one."""
    field = structs[0].__struct_config__.tag_field
    if field is None:
        return structs[0]
    path = _below(path, field)
    if field not in value:
        raise refusals.missing(path)
    tagged = {str(struct.__struct_config__.tag): struct for struct in structs}
    tag = value[field]
    if not isinstance(tag, str):
        expected = f"one of {refusals.quote_list(sorted(tagged), 'or')}"
        raise refusals.wrong_type(path, expected=expected, got=_got(tag))
    if tag not in tagged:
        if refusal := azure.refusal_of_tool(path, tag):
            raise refusal
        raise refusals.unsupported_value(path, value=tag, supported=sorted(tagged))
    return tagged[tag]


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_struct(kind: object) -> TypeGuard[type[msgspec.Struct]]:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


_NAMES: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "decimal",
    bool: "boolean",
    list: "array",
    dict: "object",
}


def _plain(kind: object) -> object:
    """Returns the type of plain data that a kind is written as."""
    if get_origin(kind) is Literal:
        return str
    return dict if _is_struct(kind) else get_origin(kind) or kind


def _fits(value: object, kind: object) -> bool:
    """Returns True if the value has the right type; a number without a fraction is a decimal
    too.
    """
    if kind is float:
        return type(value) in (int, float)
    return kind is object or type(value) is _plain(kind)


def _expected(kinds: Sequence[_Kind]) -> str:
    """Returns the API's text for the types that it expected, which does not mention null."""
    phrases = dict.fromkeys(_phrase(kind) for kind, _ in kinds if kind is not NoneType)
    first, *others = phrases
    if not others:
        return first
    # the family gives the first alternative an article, the others none
    bare = [phrase.removeprefix("an ").removeprefix("a ") for phrase in others]
    return f"one of {refusals.join_phrases([first, *bare], 'or')}"


def _phrase(kind: object) -> str:
    if get_origin(kind) is Literal:
        values = get_args(kind)
        listed = refusals.quote_list(values, "or")
        return f"one of {listed}" if len(values) > 1 else listed
    if get_origin(kind) is list:
        (item,) = get_args(kind)
        return f"an array of {_NAMES[_plain(_kinds(item)[0].type)]}s"
    return _with_article(_NAMES[_plain(kind)])


def _got(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return "a decimal number"
    return _with_article(_NAMES[type(value)])


def _with_article(name: str) -> str:
    return f"{'an' if name[0] in 'aio' else 'a'} {name}"
