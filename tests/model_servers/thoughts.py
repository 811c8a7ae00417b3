"""A model that says what it is told to say, so that it can think in any way.

The first message of the user is JSON: a list of answers, one for each round of the run. Of an
answer, `says` are the pieces of its text; `calls` says that it calls `get_weather` behind them;
`ends` is its finish reason, or `error`, `cut` or `never`.
"""

import json

from aiohttp import web

from tests.model_servers.answers import silent
from tests.model_servers.pieces import DONE, USAGE, Body, Handler, begin, chunk, event, send

_FUNCTION = {"name": "get_weather", "arguments": "{}"}


def answer(*says: str, calls: bool = False, ends: str = "stop") -> Body:
    """One answer of the script."""
    return {"says": says, "calls": calls, "ends": ends}


def script(*answers: Body) -> str:
    """What the user has to say for the model to give these answers."""
    return json.dumps(answers)


async def thinks(request: web.Request, body: Body, number: int) -> web.StreamResponse:
    messages: list[Body] = body["messages"]  # type: ignore[assignment]
    said = next(each["content"] for each in messages if each["role"] == "user")
    rounds = sum(1 for each in messages if each.get("tool_calls"))
    said_now = json.loads(str(said))[rounds]
    pieces = [chunk({"content": piece}) for piece in said_now["says"]]
    if said_now["calls"]:
        call = {"index": 0, "id": f"call_{rounds}", "function": _FUNCTION}
        pieces.append(chunk({"tool_calls": [call]}))
    match said_now["ends"]:
        case "never":
            await begin(request, *pieces)
            return await silent(request, body, number)
        case "error":
            return await send(request, *pieces, event({"error": {"message": "The GPU fell over."}}))
        case "cut":
            return await send(request, *pieces)
        case reason:
            return await send(request, *pieces, chunk({}, reason, usage=USAGE), DONE)


THOUGHTS: dict[str, Handler] = {"thinks": thinks, "thinks too": thinks}
