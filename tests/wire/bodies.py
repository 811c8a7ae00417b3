"""Random JSON near the shape of a struct: mostly right, at the limits, sometimes beside it."""

from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

import msgspec
from hypothesis import strategies as st
from msgspec import UnsetType

Json = st.SearchStrategy[object]

SCALARS: Json = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
)
ANYTHING: Json = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
STRINGS: Json = st.sampled_from(
    ["", "a", "a b", "get_weather\n", "é" * 64, "x" * 65, "y" * 256, "y" * 257, "z" * 513]
)
INTEGERS: Json = st.sampled_from([-1, 0, 1, 50, 51, 100, 4096, 4097, 2**64, 10**400])
DECIMALS: Json = st.sampled_from([-0.5, 0, 0.0, 0.7, 1, 1.5, 2, 2.5, 1e300, 10**400])
PLAIN: dict[object, Json] = {
    str: STRINGS,
    int: INTEGERS,
    float: DECIMALS,
    bool: st.booleans(),
    NoneType: st.none(),
    object: ANYTHING,
}
LENGTHS = st.sampled_from([0, 1, 1, 2, 2, 17, 21])


def near(annotation: object, *, astray: bool = True) -> Json:
    """JSON data for an annotation; astray: a value in eight is something else altogether."""
    right = _right(annotation, astray)
    if not astray:
        return right
    return st.integers(0, 7).flatmap(lambda die: right if die else ANYTHING)


def _right(annotation: object, astray: bool) -> Json:
    origin, members = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return st.one_of(
            *(near(member, astray=astray) for member in members if member is not UnsetType)
        )
    if origin is Annotated:
        return _right(members[0], astray)
    if origin is Literal:
        return st.sampled_from(members)
    if origin is list:
        item = near(members[0], astray=astray)
        return LENGTHS.flatmap(lambda size: st.lists(item, min_size=size, max_size=size))
    if origin is dict:
        value = near(members[1], astray=astray)
        return LENGTHS.flatmap(lambda size: _map(value, size))
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return _struct(annotation, astray)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return st.sampled_from([str(member) for member in annotation])
    return PLAIN[annotation]


def _map(value: Json, size: int) -> Json:
    names = st.text(max_size=3) | st.sampled_from(["k" * 64, "k" * 65])
    return st.dictionaries(names, value, min_size=size, max_size=size)


def _struct(struct: type[msgspec.Struct], astray: bool) -> Json:
    fields = msgspec.structs.fields(struct)
    members = {field.name: near(field.type, astray=astray) for field in fields}
    needed = {field.name: members.pop(field.name) for field in fields if field.required}
    config = struct.__struct_config__
    if config.tag_field is not None:
        tags: list[object] = [config.tag] * 7
        needed[config.tag_field] = st.sampled_from([*tags, "other"] if astray else tags)
    whole = st.fixed_dictionaries(needed, optional=members)
    if not astray:
        return whole
    return st.tuples(whole, st.integers(0, 15), SCALARS).map(_damaged)


def _damaged(parts: tuple[dict[str, object], int, object]) -> dict[str, object]:
    """Now and then a member is taken away, or one added that has no place here."""
    whole, die, value = parts
    if die == 0 and whole:
        return dict(list(whole.items())[1:])
    return {**whole, "zzz": value} if die == 1 else whole
