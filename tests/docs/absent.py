"""What the server refuses as not there yet, asked of the server itself."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import httpx2

from perdure import settings
from perdure.api.http import Handler
from perdure.api.routes import ROUTES
from perdure.app import Perdure
from perdure.clock import ManualClock
from tests.api.conftest import HEADERS

_CODE = "not_available"
_REST = "/{rest:path}"


def _assistant(**members: object) -> tuple[str, object]:
    return "/assistants", {"model": "a-model", **members}


def _thread(**members: object) -> tuple[str, object]:
    return "/threads", {"messages": [{"role": "user", "content": "text", **members}]}


# What a program might send; what the server takes is not told of.
_REQUESTS: dict[str, tuple[str, object]] = {
    "the tool `code_interpreter`": _assistant(tools=[{"type": "code_interpreter"}]),
}


class Refusal(NamedTuple):
    """One request, and what it is answered."""

    request: str
    status: int
    message: str


def is_missing(handler: Handler) -> bool:
    """Whether a route is there to say that there is nothing."""
    return handler.__module__.endswith(".missing")


async def refusals() -> list[Refusal]:
    """What is not there yet, in the words of a server that was started for this."""
    with tempfile.TemporaryDirectory() as folder:
        app = Perdure(settings.only(data_dir=Path(folder)), clock=ManualClock())
        await app.open()
        try:
            async with httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app.asgi),
                base_url="http://127.0.0.1/v1",
                headers=HEADERS,
            ) as http:
                return [refusal async for refusal in _told(http)]
        finally:
            await app.close()


async def _told(http: httpx2.AsyncClient) -> AsyncIterator[Refusal]:
    async for request, response in _asked(http):
        error = response.json().get("error", {})
        if error.get("code") == _CODE:
            yield Refusal(request, response.status_code, error["message"])


async def _asked(http: httpx2.AsyncClient) -> AsyncIterator[tuple[str, httpx2.Response]]:
    for path in dict.fromkeys(path for _, path, handler in ROUTES if is_missing(handler)):
        if not path.endswith(_REST):
            yield f"`{path}` and all below it", await http.get(path)
    for request, (path, body) in _REQUESTS.items():
        yield request, await http.post(path, json=body)
