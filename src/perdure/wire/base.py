"""The base classes and basic types of all wire structs."""

import threading
from typing import Annotated, TypeAlias, TypeVar, dataclass_transform

import msgspec
from msgspec import Meta

T = TypeVar("T")

JsonObject: TypeAlias = dict[str, object]


# Subclasses are frozen like their base; type checkers need to know it.
@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Object(msgspec.Struct, frozen=True):
    """An object of a response: complete, with null for fields that are not set.

    Unknown fields are ignored when a row of an older or newer version is read.
    """


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An object of a request: unknown fields are refused (spec 05 §3.3)."""


# At most 16 pairs, keys up to 64 and values up to 512 characters (spec 01 §2.1).
Metadata: TypeAlias = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]],
    Meta(max_length=16),
]

# The name of a function or of a JSON schema (spec 01 §2.3, §2.7). \Z: Python's $ would let a
# line end pass.
Name: TypeAlias = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]+\Z", min_length=1, max_length=64)]

Temperature: TypeAlias = Annotated[float, Meta(ge=0, le=2)]
TopP: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Instructions: TypeAlias = Annotated[str, Meta(max_length=256_000)]

# The documented minimum is 256, but the live service accepted 16 (spec 01 §6).
TokenBudget: TypeAlias = Annotated[int, Meta(ge=1)]

_encoder = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """Returns the compact JSON of any wire value."""
    return _encoder.encode(value)


def to_json_object(value: Object) -> JsonObject:
    """Returns the members of an object as plain data."""
    plain: JsonObject = msgspec.to_builtins(value)
    return plain


# msgspec learns a struct in steps, and keeps what it has so far on the struct. A thread that met
# one half learnt would crash the interpreter: so one thread at a time.
_building = threading.Lock()
_decoders: dict[object, msgspec.json.Decoder[object]] = {}


def decode(text: str | bytes, kind: type[T]) -> T:
    """Returns the wire value of this kind that the JSON holds.

    Raises `msgspec.ValidationError` where it does not fit, `msgspec.DecodeError` where it is not
    JSON.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        with _building:
            decoder = _decoders.get(kind)
            if decoder is None:
                decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    return decoder.decode(text)  # type: ignore[return-value]
