"""code_interpreter: variables, files and figures, errors, cancelled code."""

import io
import textwrap
from typing import Any

from openai import AssistantEventHandler
from PIL import Image

from tests.sdk_python.program.checks import BEGUN, assistant, check, client, short, thread

CODE_STEP_EVENTS = [
    "thread.run.step.created", "thread.run.step.in_progress", "thread.run.step.delta",
    "thread.run.step.completed",
]  # fmt: skip
MESSAGE_EVENTS = [
    "thread.run.step.created", "thread.run.step.in_progress", "thread.message.created",
    "thread.message.in_progress", "thread.message.delta", "thread.message.completed",
    "thread.run.step.completed",
]  # fmt: skip
PLOT = """Plot it, and double it.
python:
    import pandas as pd
    import matplotlib.pyplot as plt
    table = pd.read_csv("/mnt/data/in.csv")
    table.plot(x="day", y="sales")
    plt.show()
then: python:
    table["sales"] *= 2
    table.to_csv("/mnt/data/out.csv", index=False)
    print(len(table), "rows")
then: say: Doubled: [out.csv](sandbox:/mnt/data/out.csv), for you.
"""


class Steps(AssistantEventHandler):
    """What the stream says of each step, put together from its deltas by the SDK."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.code: list[str] = []
        self.told: dict[str, Any] = {}

    def on_event(self, event: Any) -> None:
        self.names.append(event.event)

    def on_run_step_delta(self, delta: Any, snapshot: Any) -> None:
        self.told[snapshot.id] = snapshot.step_details
        for call in delta.step_details.tool_calls:
            if call.code_interpreter.input:
                self.code.append(call.code_interpreter.input)


def steps_of(run: Any) -> list[Any]:
    listed = client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id, order="asc")
    return list(listed)


def without_extras(details: Any) -> Any:
    """The calls of a step without what only deltas have, and without what only Perdure has."""
    calls = details.model_dump(exclude_none=True)["tool_calls"]
    for call in calls:
        call.pop("index", None)
        call["code_interpreter"].pop("files", None)
        for output in call["code_interpreter"]["outputs"]:
            output.pop("index", None)
    return calls


def logs_of(step: Any) -> str:
    (call,) = step.step_details.tool_calls
    return "".join(output.logs for output in call.code_interpreter.outputs if output.type == "logs")


def run_on(on: Any, made: Any) -> Any:
    return client.beta.threads.runs.create_and_poll(thread_id=on.id, assistant_id=made.id)


@check
def a_table_comes_back_as_a_chart_and_a_table() -> None:
    table = client.files.create(
        file=("in.csv", b"day,sales\n1,10\n2,30\n3,20\n"), purpose="assistants"
    )
    made = assistant(
        tools=[{"type": "code_interpreter"}],
        tool_resources={"code_interpreter": {"file_ids": [table.id]}},
    )
    on, handler = thread(PLOT), Steps()
    with client.beta.threads.runs.stream(
        thread_id=on.id, assistant_id=made.id, event_handler=handler
    ) as stream:
        (streamed,) = stream.get_final_messages()
    run = stream.current_run
    assert run is not None
    assert run.status == "completed", run.last_error
    assert short(handler.names) == [
        *BEGUN, *CODE_STEP_EVENTS, *CODE_STEP_EVENTS, *MESSAGE_EVENTS, "thread.run.completed",
    ]  # fmt: skip
    assert len(handler.code) > 10, "code is streamed while it is written"
    (stored,) = client.beta.threads.messages.list(on.id, run_id=run.id).data
    assert stored.content == streamed.content
    image, text = stored.content
    assert image.type == "image_file"
    assert text.type == "text"
    chart = client.files.retrieve(image.image_file.file_id)
    assert chart.purpose == "assistants_output"
    assert Image.open(io.BytesIO(client.files.content(chart.id).read())).format == "PNG"
    (note,) = text.text.annotations
    assert note.type == "file_path"
    assert note.text == "sandbox:/mnt/data/out.csv"
    assert text.text.value[note.start_index : note.end_index] == note.text
    out = client.files.retrieve(note.file_path.file_id)
    assert (out.purpose, out.bytes) == ("assistants_output", 25)
    assert client.files.content(out.id).read() == b"day,sales\n1,20\n2,60\n3,40\n"
    drawn, doubled, _ = steps_of(run)
    for step in (drawn, doubled):
        assert without_extras(step.step_details) == without_extras(handler.told[step.id])
    (call,) = drawn.step_details.tool_calls
    (output,) = call.code_interpreter.outputs
    assert (output.type, output.image.file_id) == ("image", chart.id)
    assert logs_of(doubled) == "3 rows\n"


@check
def variables_last_from_run_to_run_and_errors_are_mended_by_the_model() -> None:
    made = assistant(tools=[{"type": "code_interpreter"}])
    on = thread("python: total = 41")
    assert run_on(on, made).status == "completed"
    client.beta.threads.messages.create(
        on.id,
        role="user",
        content="python: print(totl)\nthen: python: print(total + 1)\nthen: say: Mended.",
    )
    run = run_on(on, made)
    assert run.status == "completed", run.last_error
    wrong, right, _ = steps_of(run)
    assert "NameError: name 'totl' is not defined" in logs_of(wrong)
    assert logs_of(right) == "42\n"
    message = client.beta.threads.messages.list(on.id, limit=1).data[0]
    assert message.content[0].text.value == "Mended."  # type: ignore[union-attr]


COUNT = """turns = 0
print("begun", flush=True)
while True: turns += 1"""


@check
def code_is_cancelled_and_its_thread_goes_on() -> None:
    made = assistant(tools=[{"type": "code_interpreter"}])
    on = thread("python:\n" + textwrap.indent(COUNT, "    "))
    with client.beta.threads.runs.stream(thread_id=on.id, assistant_id=made.id) as stream:
        for event in stream:
            if event.event == "thread.run.step.delta" and "begun\\n" in event.model_dump_json():
                (run,) = client.beta.threads.runs.list(on.id).data
                client.beta.threads.runs.cancel(run.id, thread_id=on.id)
    (run,) = client.beta.threads.runs.list(on.id).data
    assert run.status == "cancelled"
    (step,) = steps_of(run)
    (call,) = step.step_details.tool_calls
    assert (step.status, call.code_interpreter.input) == ("cancelled", COUNT)
    # A session does one thing at a time: either the code has stopped in it, or it is another one.
    client.beta.threads.messages.create(
        on.id, role="user", content="python: print(globals().get('turns', 0) >= 0)"
    )
    again = steps_of(run_on(on, made))[0]
    assert logs_of(again).endswith("True\n")
