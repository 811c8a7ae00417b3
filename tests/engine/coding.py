"""Runs that use code_interpreter, for tests."""

import json

from perdure.commands import threads
from perdure.wire.messages import (
    Attachment,
    AttachmentTool,
    CreateMessage,
)
from perdure.wire.run_steps import (
    CodeInterpreter,
    CodeInterpreterToolCall,
    CodeLogs,
    RunStep,
    ToolCalls,
)
from perdure.wire.runs import Run
from perdure.wire.tools import (
    CodeInterpreterTool,
)
from tests.commands.acts import PROJECT
from tests.engine.stage import Stage

CODE = [CodeInterpreterTool()]


def calls(*codes: str, then: str = "say: Done.") -> str:
    """A prompt that has the model run each piece of code in a round of its own."""
    rounds = [f"call: python {json.dumps({'code': code})}" for code in codes]
    return "\nthen:\n".join([*rounds, then])


async def begin(stage: Stage, prompt: str, **fields: object) -> Run:
    """A queued run whose assistant has the tool."""
    assistant = await stage.acts.assistant(tools=fields.pop("tools", CODE))
    thread = await stage.acts.thread(prompt)
    return await stage.acts.run(thread.id, assistant.id, **fields)


async def go_on(stage: Stage, run: Run, prompt: str) -> Run:
    """Another run on the same thread, executed."""
    await say(stage, run.thread_id, prompt)
    return await stage.execute(await stage.acts.run(run.thread_id, run.assistant_id))


async def say(stage: Stage, thread_id: str, text: str, *file_ids: str) -> None:
    """Adds a message, with files for the code."""
    attached = [
        Attachment(file_id=file_id, tools=[AttachmentTool(type="code_interpreter")])
        for file_id in file_ids
    ]
    body = CreateMessage(role="user", content=text, attachments=attached)
    await stage.database.write(
        threads.add_message, thread_id, body, project=PROJECT, now=int(stage.clock.now())
    )


def interpreted(step: RunStep) -> CodeInterpreter:
    assert isinstance(step.step_details, ToolCalls)
    (call,) = step.step_details.tool_calls
    assert isinstance(call, CodeInterpreterToolCall)
    return call.code_interpreter


def logs(step: RunStep) -> str:
    return "".join(each.logs for each in interpreted(step).outputs if isinstance(each, CodeLogs))
