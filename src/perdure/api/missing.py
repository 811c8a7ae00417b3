"""Endpoints of the API that this version does not have: named, never pretended."""

from perdure.api.http import Answer, Call
from perdure.errors import NotFound

_CODE = "not_available"


async def vector_stores(call: Call) -> Answer:  # noqa: ARG001
    raise NotFound("This version of Perdure does not have vector stores yet.", code=_CODE)
