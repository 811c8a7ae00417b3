"""The scripted model, held up after its first piece until the test lets it go on."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from perdure.providers.call_log import CallLog
from perdure.testing.scripted_model import ScriptedProvider
from perdure.wire.chat import ChatChunk, ChatRequest


class GatedProvider(ScriptedProvider):
    """`begun` is set once the first piece of an answer was taken; the others come when `let` is."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.let = asyncio.Event()

    async def chat(
        self, request: ChatRequest, log: CallLog | None = None
    ) -> AsyncGenerator[ChatChunk, None]:
        async with aclosing(super().chat(request, log)) as chunks:
            async for chunk in chunks:
                yield chunk
                self.begun.set()
                await self.let.wait()
