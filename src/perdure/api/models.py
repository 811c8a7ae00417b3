"""Models, and what is passed through to model servers as it is (spec 02 §12)."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from starlette.responses import Response, StreamingResponse

from perdure.api.http import Answer, Call
from perdure.errors import Forbidden, NotFound, ProviderError, Unavailable
from perdure.wire.lists import Model, Models


async def list_all(call: Call) -> Answer:
    return Models(data=await call.services.provider.models())


async def retrieve(call: Call) -> Answer:
    return await _model(call)


async def delete(call: Call) -> Answer:
    model = await _model(call)
    raise Forbidden(f"The model '{model.id}' belongs to a model server and cannot be deleted here.")


async def chat_completions(call: Call) -> Answer:
    return await _relay(call, "chat/completions")


async def completions(call: Call) -> Answer:
    return await _relay(call, "completions")


async def embeddings(call: Call) -> Answer:
    return await _relay(call, "embeddings")


async def _model(call: Call) -> Model:
    name = str(call.request.path_params["model"])
    for model in await call.services.provider.models():
        if model.id == name:
            return model
    raise NotFound(f"The model '{name}' does not exist", param="model", code="model_not_found")


async def _relay(call: Call, path: str) -> Response:
    """Passes the request on, and the answer back as it comes."""
    body = await call.bytes()
    content_type = call.request.headers.get("content-type", "application/json")
    async with AsyncExitStack() as stack:
        try:
            relayed = await stack.enter_async_context(
                call.services.provider.relay(path, body, {"content-type": content_type})
            )
        except ProviderError as error:
            raise Unavailable(error.message) from error
        upstream = stack.pop_all()

    async def chunks() -> AsyncIterator[bytes]:
        async with upstream:
            async for chunk in relayed.body:
                yield chunk

    return StreamingResponse(chunks(), status_code=relayed.status, headers=dict(relayed.headers))
