"""Rules of spec 03 beside the moves: what is checked first, and what a request meets too late."""

import pytest

from perdure.commands import run_steps, runs
from perdure.errors import APIError, BadRequest, NotFound
from perdure.storage.database import Database
from perdure.wire.messages import CreateMessage, ImageFile, ImageFilePart
from perdure.wire.run_steps import FunctionToolCall, ToolCalls
from perdure.wire.runs import SubmitToolOutputs, ToolOutput
from tests.commands.acts import LIFETIME, PROJECT, Acts


@pytest.fixture
def acts(database: Database) -> Acts:
    return Acts(database)


IMAGE = CreateMessage(
    role="user", content=[ImageFilePart(image_file=ImageFile(file_id="file-none"))]
)


async def refused(acts: Acts, thread_id: str, assistant_id: str, **fields: object) -> APIError:
    with pytest.raises((BadRequest, NotFound)) as error:
        await acts.run(thread_id, assistant_id, **fields)
    return error.value


async def test_of_several_reasons_to_refuse_a_run_the_first_is_told(acts: Acts) -> None:
    """Spec 03 §3: thread, assistant, thread lock, messages, empty thread."""
    active = await acts.queued()
    locked, empty = active.thread_id, (await acts.thread()).id
    assistant = (await acts.assistant()).id
    error = await refused(acts, "thread_none", "asst_none", additional_messages=[IMAGE])
    assert error.message == "No thread found with id 'thread_none'."
    error = await refused(acts, locked, "asst_none", additional_messages=[IMAGE])
    assert error.message == "No assistant found with id 'asst_none'."
    error = await refused(acts, locked, assistant, additional_messages=[IMAGE])
    assert error.message == f"Thread {locked} already has an active run {active.id}."
    error = await refused(acts, empty, assistant, additional_messages=[IMAGE])
    assert error.param == "additional_messages[0].content[0].image_file.file_id"
    error = await refused(acts, empty, assistant)
    assert error.code == "invalid_thread"


async def test_an_output_that_is_submitted_twice_is_a_mismatch(acts: Acts) -> None:
    hold = await acts.asking()
    outputs = [ToolOutput(tool_call_id=f"call_{name}", output="1") for name in "aab"]
    with pytest.raises(BadRequest) as error:
        await submit(acts, hold.run_id, outputs)
    assert error.value.message == (
        "Expected tool outputs for call_ids ['call_a', 'call_b'], "
        "got ['call_a', 'call_a', 'call_b']"
    )


async def test_a_run_past_its_time_is_expired_to_whoever_comes_before_the_timer(
    acts: Acts,
) -> None:
    hold = await acts.asking()
    acts.now += LIFETIME
    outputs = [ToolOutput(tool_call_id=f"call_{name}", output="1") for name in "ab"]
    with pytest.raises(BadRequest) as error:
        await submit(acts, hold.run_id, outputs)
    assert error.value.message == 'Runs in status "expired" do not accept tool outputs.'
    with pytest.raises(BadRequest) as error:
        await acts.cancel(hold.run_id)
    assert error.value.message == "Cannot cancel run with status 'expired'."


@pytest.mark.parametrize("end", ["cancel", "expire"])
async def test_calls_that_were_never_answered_keep_null_as_their_output(
    acts: Acts, end: str
) -> None:
    hold = await acts.asking()
    acts.now += LIFETIME if end == "expire" else 0
    await getattr(acts, end)(hold.run_id)
    ((step, _),) = await acts.database.read(run_steps.of_run, hold.run_id)
    assert isinstance(step.step_details, ToolCalls)
    outputs = {
        call.id: call.function.output
        for call in step.step_details.tool_calls
        if isinstance(call, FunctionToolCall)
    }
    assert outputs == {"call_a": None, "call_b": None}


async def submit(acts: Acts, run_id: str, outputs: list[ToolOutput]) -> None:
    run = await acts.get(run_id)
    await acts.database.write(
        runs.submit,
        run_id,
        SubmitToolOutputs(tool_outputs=outputs),
        thread_id=run.thread_id,
        project=PROJECT,
        now=acts.now,
    )
