"""Models, and the requests that are passed through to model servers unchanged (spec 02 §12)."""

import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from perdure.api.http import Answer, ApiCall
from perdure.commands.limits import NO_LIMITS
from perdure.commands.usage_counts import UsageAccount, UsageCounts
from perdure.errors import Forbidden, NotFound, ProviderError, Unavailable
from perdure.providers.provider import Relayed
from perdure.providers.relayed_usage import RelayedUsage
from perdure.providers.router import asked_model
from perdure.wire.lists import Model, Models

# RFC 9110 §5.5, of what ASGI can carry
_OK = 200
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


async def list_all(call: ApiCall) -> Answer:
    return Models(data=await call.services.provider.models())


async def retrieve(call: ApiCall) -> Answer:
    return await _model(call)


async def delete(call: ApiCall) -> Answer:
    model = await _model(call)
    raise Forbidden(f"The model '{model.id}' belongs to a model server and cannot be deleted here.")


async def chat_completions(call: ApiCall) -> Answer:
    return await _relay(call, "chat/completions")


async def completions(call: ApiCall) -> Answer:
    return await _relay(call, "completions")


async def embeddings(call: ApiCall) -> Answer:
    return await _relay(call, "embeddings")


async def _model(call: ApiCall) -> Model:
    name = str(call.request.path_params["model"])
    for model in await call.services.provider.models():
        if model.id == name:
            return model
    raise NotFound(f"The model '{name}' does not exist", param="model", code="model_not_found")


async def _relay(call: ApiCall, path: str) -> Response:
    """Passes the request on, and the response back as it arrives."""
    body = await call.bytes()
    headers = await _admit(call, body)
    usage = RelayedUsage(len(body))
    content_type = call.request.headers.get("content-type", "application/json")
    async with AsyncExitStack() as stack:
        try:
            relayed = await stack.enter_async_context(
                call.services.provider.relay(path, body, {"content-type": content_type})
            )
        except ProviderError as error:
            raise Unavailable(error.message) from error
        response = _RelayedResponse(relayed, stack.pop_all())
        if relayed.status == _OK:
            response.body_iterator = _counted(call, path, relayed, usage)
        response.headers.update(headers)
        return response


async def _admit(call: ApiCall, body: bytes) -> dict[str, str]:
    """Returns the headers that tell of the project's limits. Raises `RateLimited`,
    `QuotaExceeded` and `Forbidden`.
    """
    limiter = call.services.limiter
    if await limiter.limits(call.project) is NO_LIMITS:
        return {}
    return await limiter.admit(call.project, await asked_model(body))


async def _counted(
    call: ApiCall, path: str, relayed: Relayed, usage: RelayedUsage
) -> AsyncGenerator[bytes, None]:
    """Yields the answer, and counts what it has used at its end, or where it breaks off."""
    try:
        async for block in relayed.body:
            usage.feed(block)
            yield block
    finally:
        is_embedding = path == "embeddings"
        told = usage.result(is_embedding=is_embedding)
        cached = told.prompt_tokens_details
        call.services.limiter.count(
            "embeddings" if is_embedding else "completions",
            UsageAccount(call.project, call.caller.key_id or ""),
            relayed.model,
            UsageCounts(
                requests=1,
                input_tokens=told.prompt_tokens,
                output_tokens=0 if is_embedding else told.completion_tokens,
                cached_tokens=(cached.cached_tokens or 0) if cached else 0,
            ),
        )


class _RelayedResponse(StreamingResponse):
    """A model server's response. Its connection is released also if the client disconnects."""

    def __init__(self, relayed: Relayed, upstream: AsyncExitStack) -> None:
        headers = {name: v for name, v in relayed.headers.items() if _may_pass(name, v)}
        super().__init__(relayed.body, status_code=relayed.status, headers=headers)
        self._upstream = upstream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._upstream:
            await super().__call__(scope, receive, send)


def _may_pass(name: str, value: str) -> bool:
    """Returns True if a header of a model server can be passed on. A model server does not decide
    which pages may read the response, and a value that is no header value here would break the
    response.
    """
    return not name.lower().startswith("access-control-") and bool(_VALUE.fullmatch(value))
