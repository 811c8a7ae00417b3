"""The description of the API over HTTP, for programs and for people. An extension.

It is made when it is first asked for: a start costs nothing.
"""

import asyncio
from functools import cache
from typing import Any

from starlette.responses import HTMLResponse, Response

from perdure.api.http import Answer, ApiCall
from perdure.wire.base import encode


async def openapi(call: ApiCall) -> Answer:  # noqa: ARG001 # it is the same for everybody
    content = await asyncio.to_thread(_openapi)
    return Response(content, media_type="application/json")


async def docs(call: ApiCall) -> Answer:  # noqa: ARG001
    from perdure.api.openapi.page import HEADERS

    return HTMLResponse(await asyncio.to_thread(_docs), headers=HEADERS)


@cache
def _openapi() -> bytes:
    return encode(document())


@cache
def _docs() -> str:
    from perdure.api.openapi.page import page

    return page(document())


def document() -> dict[str, Any]:
    """Returns the description of all routes."""
    # They name the handlers above, and few servers are ever asked.
    from perdure.api import routes
    from perdure.api.openapi import document as description

    return description.document(
        [(method, path) for method, path, _ in routes.ROUTES],
        beta=routes.BETA,
        public=routes.PUBLIC,
    )
