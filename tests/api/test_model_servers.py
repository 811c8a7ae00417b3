"""Programs do not notice what a model server refuses: through the whole server and the SDK."""

from collections.abc import AsyncIterator

import pytest
from openai import AsyncOpenAI
from openai.types.beta.threads import Message, TextContentBlock

from tests.model_servers.fixture import ModelServer, model_server, model_server_process
from tests.model_servers.refusals import QUIRKS
from tests.model_servers.templates import ANSWER, LUCK

__all__ = ["model_server", "model_server_process"]

WANTED = ("instructions in a user message", "user and assistant in turns")
PLACES = [
    str(QUIRKS.index(next(quirk for quirk in QUIRKS if quirk.adjustment == name)))
    for name in WANTED
]
MODEL = f"template: {' '.join(PLACES)}"


@pytest.fixture
def chosen(model_server: ModelServer) -> dict[str, object]:
    return {"model_base_url": model_server.base_url}


@pytest.fixture
async def client(base_url: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=base_url, api_key="any", max_retries=0) as client:
        yield client


def text(message: Message) -> str:
    (part,) = message.content
    assert isinstance(part, TextContentBlock)
    return part.text.value


async def test_a_thread_on_which_a_run_has_failed_can_be_run_again(
    client: AsyncOpenAI, model_server: ModelServer
) -> None:
    """The template knows no instructions, and wants user and assistant in turns."""
    threads = client.beta.threads
    assistant = await client.beta.assistants.create(model=MODEL, instructions="Be brief.")
    thread = await threads.create(
        messages=[{"role": "assistant", "content": "Welcome."}, {"role": "user", "content": "fail"}]
    )
    run = await threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert run.last_error is not None
    assert run.last_error.message.endswith(LUCK)
    await threads.messages.create(thread.id, role="user", content="say")
    run = await threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert run.status == "completed"
    messages = [message async for message in threads.messages.list(thread.id, order="asc")]
    assert [(message.role, text(message)) for message in messages] == [
        ("assistant", "Welcome."), ("user", "fail"), ("user", "say"), ("assistant", ANSWER),
    ]  # fmt: skip
    assert model_server.bodies()[-1]["messages"] == [
        {"role": "user", "content": "Be brief."},
        {"role": "assistant", "content": "Welcome."},
        {"role": "user", "content": "fail\n\nsay"},
    ]
