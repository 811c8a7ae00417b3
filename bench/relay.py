"""What Perdure is compared with: a relay as most people would write it, and nothing more.

FastAPI, pydantic and the openai SDK. It streams the same tokens to the client and does none of
the rest: no thread, no run, nothing that is stored.

    MODEL_URL=http://… uvicorn bench.relay:app
"""

import os
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI
from pydantic import BaseModel

app = FastAPI()
client = AsyncOpenAI(base_url=os.environ["MODEL_URL"], api_key="any")


class Question(BaseModel):
    """What is asked of which model."""

    model: str
    content: str


class Text(BaseModel):
    """A piece of text."""

    value: str


class Content(BaseModel):
    """A piece of one part of the message."""

    index: int
    type: str = "text"
    text: Text


class Delta(BaseModel):
    """What is new in the message."""

    content: list[Content]


class MessageDelta(BaseModel):
    """One event of the stream."""

    id: str
    object: str = "thread.message.delta"
    delta: Delta


@app.post("/ask")
async def ask(question: Question) -> StreamingResponse:
    """Answers with the model's answer, as it comes."""
    return StreamingResponse(_events(question), media_type="text/event-stream")


async def _events(question: Question) -> AsyncIterator[str]:
    stream = await client.chat.completions.create(
        model=question.model,
        messages=[{"role": "user", "content": question.content}],
        stream=True,
        stream_options={"include_usage": True},
    )
    async for chunk in stream:
        for choice in chunk.choices:
            if choice.delta.content:
                text = Content(index=0, text=Text(value=choice.delta.content))
                event = MessageDelta(id="msg_bench", delta=Delta(content=[text]))
                yield f"event: {event.object}\ndata: {event.model_dump_json()}\n\n"
    yield "event: done\ndata: [DONE]\n\n"
