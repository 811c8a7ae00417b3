"""The models that a model server lists."""

import msgspec

from perdure.providers.repair import mended
from perdure.wire.base import Object
from perdure.wire.lists import Model


class _Listed(Object):
    id: str
    created: int | float | None = None
    owned_by: str | None = None


class _List(Object):
    data: list[_Listed] = []


def read(body: bytes) -> list[Model]:
    """The models in the answer to `GET /models`; `msgspec.MsgspecError` for what is no such list.

    Beside it `UnicodeDecodeError` and `RecursionError`.
    """
    found = msgspec.convert(mended(msgspec.json.decode(body)), _List)
    return [
        Model(id=model.id, created=int(model.created or 0), owned_by=model.owned_by or "")
        for model in found.data
    ]
