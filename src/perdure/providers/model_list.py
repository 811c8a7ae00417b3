"""Parsing of the list of models that a model server has."""

import msgspec

from perdure.providers.repair import repair_value
from perdure.wire.base import Object
from perdure.wire.lists import Model


class _Listed(Object):
    id: str
    created: int | float | None = None
    owned_by: str | None = None


class _List(Object):
    data: list[_Listed] = []


def read(body: bytes) -> list[Model]:
    """Returns the models in the response to `GET /models`.

    Raises `msgspec.MsgspecError`, `UnicodeDecodeError` or `RecursionError` for a body that is no
    such list.
    """
    found = msgspec.convert(repair_value(msgspec.json.decode(body)), _List)
    return [
        Model(id=model.id, created=int(model.created or 0), owned_by=model.owned_by or "")
        for model in found.data
    ]
