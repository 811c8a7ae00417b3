"""Lists, deletion markers, models, the error envelope (spec 01 §14-17)."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from perdure.wire.base import Object, encode


class Deleted(Object):
    id: str
    object: str
    deleted: Literal[True] = True


class Model(Object, kw_only=True):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class Models(Object, kw_only=True):
    object: Literal["list"] = "list"
    data: list[Model]


class ErrorDetail(Object):
    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorEnvelope(Object):
    error: ErrorDetail


class Page(NamedTuple):
    """One page of a list. The bodies are the stored JSON, which is sent unchanged."""

    ids: list[str]
    bodies: list[str]
    has_more: bool


def page_of(objects: Sequence[Object], ids: Sequence[str]) -> Page:
    """Returns a whole list as its only page."""
    return Page([*ids], [encode(each).decode() for each in objects], False)
